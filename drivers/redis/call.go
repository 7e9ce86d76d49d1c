package redis

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// A call is one run of a script for one lock.
type call struct {
	script *script.Script
	key    string
	common []any     // arguments that calls like it have too; not changed any more
	own    [2]string // and then its own, as many as
	owns   int
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

func newCall(sc *script.Script, key string, common []any, own ...string) *call {
	c := &call{script: sc, key: key, common: common, done: make(chan struct{})}
	c.owns = copy(c.own[:], own)
	return c
}

// goesWith reports whether one run of a script can serve both calls.
func (c *call) goesWith(other *call) bool {
	return c.script == other.script && c.script.ManyKeys && !c.apart() && !other.apart() &&
		c.owns == other.owns && slices.Equal(c.common, other.common)
}

// apart reports whether the call is to go without others.
func (c *call) apart() bool { return c.alone || c.text }

// over reports whether the call has its reply or error.
func (c *call) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
