package redis

import (
	"sync/atomic"
	"time"
)

// A call is one run of a script for one lock.
type call struct {
	script *script
	args   []any // key and arguments, with room before them
	room   [before + 1 + mostArgs]any
	state  atomic.Int32
	text   bool // the server does not know the script by its name
	alone  bool // it failed with others

	done    chan struct{} // closed once it has its reply or error, which are below
	sent    time.Time     // just before it left
	numbers []int64       // the reply
	table   []any         // the reply of a script that answers with more
	again   bool          // it may have been carried out before it was sent last
	err     error
}

// What has become of a call.
const (
	queued    = iota // it has not left
	under            // it is under way, or over
	abandoned        // its caller gave up before it left
)

const (
	before   = 3 // arguments of a command before the key
	mostArgs = 7 // of a script, after it
)

func newCall(sc *script, key string, args ...any) *call {
	c := &call{script: sc, done: make(chan struct{})}
	c.room[before] = key
	c.args = append(c.room[:before+1], args...)
	return c
}

// over reports whether the call has its reply or error.
func (c *call) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
