package locks

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

func newCancelable(parent context.Context) *cancelable {
	c := new(cancelable)
	c.Context, c.end = context.WithCancelCause(parent)
	return c
}

// cancel ends all contexts. It is called once, when nobody adds any more.
func (e *ending) cancel(cause error) {
	if e == nil {
		return
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.alone != nil {
		e.alone.end(cause)
	}
	if e.one != nil {
		e.one.end(cause)
	}
	for _, c := range e.more {
		c.end(cause)
	}
}

// alone returns the context for those whose parents never end.
func (l *lease) alone() *cancelable {
	x := l.extras()
	x.mu.Lock()
	defer x.mu.Unlock()
	if cause := l.endCause(); cause != nil {
		c := newCancelable(context.Background())
		c.end(cause)
		return c
	}
	e := l.endingLocked(x)
	if e.alone == nil {
		e.alone = newCancelable(context.Background())
	}
	return e.alone
}

// join returns the context for those whose parents end by done.
func (l *lease) join(parent context.Context, done <-chan struct{}) *cancelable {
	x := l.extras()
	x.mu.Lock()
	known := x.ends.find(done)
	x.mu.Unlock()
	if known != nil {
		return known
	}
	c := newCancelable(parent) // asks the parent, so that nothing is locked
	c.done = done
	known, cause := l.add(c)
	switch {
	case cause != nil:
		c.end(cause)
		return c
	case known != c:
		c.end(nil)
	}
	return known
}

// add puts c among the contexts, and returns the one that stands for its parent, or
// why the lease has ended.
func (l *lease) add(c *cancelable) (known *cancelable, cause error) {
	x := l.extras()
	x.mu.Lock()
	defer x.mu.Unlock()
	if cause := l.endCause(); cause != nil {
		return nil, cause
	}
	e := l.endingLocked(x)
	if known := e.find(c.done); known != nil {
		return known, nil
	}
	if e.one == nil {
		e.one = c
		return c, nil
	}
	if len(e.more) >= e.sweep {
		e.forgetEnded()
	}
	e.more[c.done] = c
	return c, nil
}

// leastSweep is how many contexts are kept before those that ended are looked for.
const leastSweep = 32

// forgetEnded lets go of the contexts whose parents ended before the lease.
func (e *ending) forgetEnded() {
	if e.more == nil {
		e.more = make(map[<-chan struct{}]*cancelable)
	}
	for done, c := range e.more {
		if c.Err() != nil {
			delete(e.more, done)
		}
	}
	if e.one.Err() != nil {
		e.one = nil
	}
	e.sweep = max(leastSweep, 2*len(e.more))
}

func (e *ending) find(done <-chan struct{}) *cancelable {
	switch {
	case e == nil:
		return nil
	case e.one != nil && e.one.done == done:
		return e.one
	}
	return e.more[done]
}

// endingLocked returns the lease's contexts. x, its extras, are locked.
func (l *lease) endingLocked(x *extras) *ending {
	if x.ends == nil {
		x.ends = new(ending)
		if l.local != nil {
			l.watchLocked(x.ends)
		}
	}
	return x.ends
}

// watchLocked has the contexts of a local lock end at its deadline: there are some
// now, and no wheel. Its extras are locked.
func (l *lease) watchLocked(e *ending) {
	if left := l.deadline.Remaining(clock.Now()); left != Forever {
		e.timer = time.AfterFunc(left, l.checkLocalEnd)
	}
}

// checkLocalEnd ends a local lease whose deadline is past, so that its contexts end.
func (l *lease) checkLocalEnd() {
	if l.deadline.Passed(clock.Now()) {
		l.expire()
		return
	}
	x := l.extras()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ends != nil {
		l.watchLocked(x.ends)
	}
}

// finish ends the lease, and its contexts, with cause: errReleased, or why it was lost.
// Only one caller gets true.
func (l *lease) finish(cause *Error) bool {
	ends, ok := l.finishNow(cause)
	if ends != nil {
		ends.cancel(cause)
	}
	return ok
}
