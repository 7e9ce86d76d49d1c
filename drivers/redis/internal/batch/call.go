package batch

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// A Call is one run of a script for one lock. Its exported fields are set once it is
// over: see Over.
type Call struct {
	script *script.Script
	key    string
	common []any     // arguments that calls like it have too; not changed any more
	own    [2]string // and then its own, as many as
	owns   int
	state  atomic.Int32
	text   bool          // the server does not know the script by its name
	alone  bool          // it failed with others
	done   chan struct{} // closed once it is over

	Sent    time.Time // just before it left
	Numbers []int64   // the reply
	Table   []any     // the reply, if it is more than a number
	Again   bool      // it may have been carried out before it was sent last
	Err     error     // why there is no reply
}

// What has become of a call.
const (
	queued    = iota // it has not left
	underWay         // it is under way, or over
	abandoned        // its caller gave up before it left
)

// NewCall returns a call of a script with a Redis key. common are the arguments that
// other calls have too, and are not changed any more; own are its own, two at most.
func NewCall(sc *script.Script, key string, common []any, own ...string) *Call {
	c := &Call{script: sc, key: key, common: common, done: make(chan struct{})}
	c.owns = copy(c.own[:], own)
	return c
}

// goesWith reports whether one run of a script can serve both calls.
func (c *Call) goesWith(other *Call) bool {
	return c.script == other.script && c.script.ManyKeys && !c.apart() && !other.apart() &&
		c.owns == other.owns && slices.Equal(c.common, other.common)
}

// apart reports whether the call is to go without others.
func (c *Call) apart() bool { return c.alone || c.text }

// Done returns what is closed once the call is over.
func (c *Call) Done() <-chan struct{} { return c.done }

// Over reports whether the call has its reply or error.
func (c *Call) Over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Abandon has a call that has not left not leave any more, and reports whether it may
// have left.
func (c *Call) Abandon() (left bool) {
	return !c.state.CompareAndSwap(queued, abandoned)
}
