package redis

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A call is one run of a script for one lock.
type call struct {
	script *script
	args   []any // key and arguments, with room before them
	room   [before + 1 + mostArgs]any
	table  bool // the reply has more than integers
	cmd    redis.Cmder
	sent   time.Time     // just before it left
	done   chan struct{} // closed once cmd has its reply or error
	state  atomic.Int32
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

// command returns what runs the script, by its name or with its text.
func (c *call) command(ctx context.Context, text bool) redis.Cmder {
	c.args[0], c.args[1], c.args[2] = "evalsha", c.script.sha, 1
	if text {
		c.args[0], c.args[1] = "eval", c.script.text
	}
	if c.table {
		return onceTable{redis.NewCmd(ctx, c.args...)}
	}
	return once{redis.NewIntSliceCmd(ctx, c.args...)}
}

// once is a command that go-redis does not repeat: whoever asked must know that
// the first one may have been carried out.
type once struct{ *redis.IntSliceCmd }

// NoRetry says so to go-redis.
func (once) NoRetry() bool { return true }

type onceTable struct{ *redis.Cmd }

// NoRetry says so to go-redis.
func (onceTable) NoRetry() bool { return true }

// over reports whether the call has its reply or error.
func (c *call) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
