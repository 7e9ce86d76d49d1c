package locks

import (
	"context"
	"sync/atomic"
	"time"
)

// A leaseContext is a context that ends with its lease. It is what fn of Do
// gets, and what Lock.Context returns. Much work under a lock never looks at
// its context, so the cancelable context inside is made when it is first asked
// for.
type leaseContext struct {
	parent context.Context
	lease  *lease
	brief  bool // the lease ends when whom c was made for is done
	inner  atomic.Pointer[cancelable]
}

// A cancelable is from context.WithCancelCause, so that contexts made of it
// need no goroutine to follow it.
type cancelable struct {
	context.Context
	cancel context.CancelCauseFunc
	forget func() bool // stops watching for the parent's end
	next   *cancelable // of its lease
}

type heldKey struct{}

// newContext returns a context of parent that ends, with the lease's cause,
// when the lease does.
func (l *lease) newContext(parent context.Context) *leaseContext {
	return &leaseContext{parent: parent, lease: l}
}

// open makes the context inside, which has ended if the lease or the parent
// has. From then on the lease knows c, until one of them ends.
func (c *leaseContext) open() context.Context {
	if inner := c.inner.Load(); inner != nil {
		return inner
	}
	l := c.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	if inner := c.inner.Load(); inner != nil {
		return inner
	}
	inner := new(cancelable)
	inner.Context, inner.cancel = context.WithCancelCause(c.parent)
	switch {
	case l.cause != nil:
		inner.cancel(l.cause)
	case !c.brief && c.parent.Done() != nil:
		// A long lease does not collect the contexts of short calls.
		inner.forget = context.AfterFunc(inner.Context, func() { l.drop(inner) })
		fallthrough
	default:
		inner.next, l.contexts = l.contexts, inner
	}
	c.inner.Store(inner)
	return inner
}

// drop forgets a context that ended before its lease.
func (l *lease) drop(c *cancelable) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := &l.contexts; *at != nil; at = &(*at).next {
		if *at == c {
			*at = c.next
			return
		}
	}
}

func (c *cancelable) end(cause error) {
	if c.forget != nil {
		c.forget()
	}
	c.cancel(cause)
}

// close ends c, for who made it and needs it no more.
func (c *leaseContext) close() {
	if inner := c.inner.Load(); inner != nil {
		c.lease.drop(inner)
		inner.cancel(nil)
	}
}

// Deadline is the parent's: when the lease ends is not fixed.
func (c *leaseContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done is closed when the lease ends or the parent does.
func (c *leaseContext) Done() <-chan struct{} { return c.open().Done() }

// Err looks at the clocks too: after the process was stopped past its
// deadline, fn may run before the timer that ends the context does.
func (c *leaseContext) Err() error {
	if c.lease.state.Load() == held {
		if !c.lease.active() {
			c.lease.expire()
		} else if c.inner.Load() == nil && c.parent.Err() == nil {
			return nil
		}
	}
	return c.open().Err()
}

// Value knows the lease. What package context asks for, to tie contexts
// together, only the context inside has.
func (c *leaseContext) Value(key any) any {
	if key == (heldKey{}) {
		return c
	}
	return c.open().Value(key)
}

// outer returns the nearest context of a lease around c, nil if there is none.
func (c *leaseContext) outer() *leaseContext { return under(c.parent) }

// under returns the innermost context of a lease that ctx was made of.
func under(ctx context.Context) *leaseContext {
	c, _ := ctx.Value(heldKey{}).(*leaseContext)
	return c
}

// Token returns the fencing token of the innermost lock that ctx was made
// under, by Do or Lock.Context, and whether there is one. It stays what it was
// after the lock ended, so that a late write carries the token that lets the
// resource refuse it.
func Token(ctx context.Context) (uint64, bool) {
	c := under(ctx)
	if c == nil || c.lease.token == 0 {
		return 0, false
	}
	return c.lease.token, true
}

// hopeless reports whether waiting for key in mode could only end when ctx's
// own leases do, as fn of Do holds them and waits here.
func hopeless(ctx context.Context, sp *space, key string, l *Lock) bool {
	permits := 0
	for c := under(ctx); c != nil; c = c.outer() {
		if c.lease.space != sp || c.lease.key != key || !c.lease.active() {
			continue
		}
		permits++
		if l.mode.Excludes(c.lease.mode) || permits >= l.mode.Slots() && l.mode.Slots() > 0 {
			return true
		}
	}
	return false
}
