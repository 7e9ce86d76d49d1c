package locks

import (
	"context"
)

// A leaseContext is a context that ends with its lease. It is what fn of Do
// gets, and what Lock.Context returns.
type leaseContext struct {
	context.Context // from WithCancelCause, so that its children need no goroutine
	cancel          context.CancelCauseFunc
	lease           *lease
	outer           *leaseContext // the nearest one around it
	forget          func() bool   // stops watching for the parent's end
}

type heldKey struct{}

// newContext returns a context of parent that ends, with the lease's cause,
// when the lease does.
func (l *lease) newContext(parent context.Context) *leaseContext {
	outer, _ := parent.Value(heldKey{}).(*leaseContext)
	inner, cancel := context.WithCancelCause(parent)
	c := &leaseContext{Context: inner, cancel: cancel, lease: l, outer: outer}
	l.mu.Lock()
	cause := l.cause
	if cause == nil {
		l.contexts = append(l.contexts, c)
	}
	l.mu.Unlock()
	if cause != nil {
		cancel(cause)
	}
	return c
}

// detachWithParent forgets c when its parent ends before the lease, so that a
// long lease does not collect the contexts of short calls.
func (c *leaseContext) detachWithParent() {
	stop := context.AfterFunc(c.Context, func() { c.lease.drop(c) })
	c.lease.mu.Lock()
	c.forget = stop
	c.lease.mu.Unlock()
}

func (l *lease) drop(c *leaseContext) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.contexts {
		if other == c {
			last := len(l.contexts) - 1
			l.contexts[i] = l.contexts[last]
			l.contexts[last] = nil
			l.contexts = l.contexts[:last]
			return
		}
	}
}

func (c *leaseContext) end(cause error) {
	c.lease.mu.Lock()
	forget := c.forget
	c.lease.mu.Unlock()
	if forget != nil {
		forget()
	}
	c.cancel(cause)
}

// Err looks at the clocks too: after the process was stopped past its
// deadline, fn may run before the timer that ends the context does.
func (c *leaseContext) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	if c.lease.state.Load() == held && !c.lease.active() {
		c.lease.expire()
	}
	return c.Context.Err()
}

func (c *leaseContext) Value(key any) any {
	if key == (heldKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Token returns the fencing token of the innermost lock that ctx was made
// under, by Do or Lock.Context, and whether there is one. It stays what it was
// after the lock ended, so that a late write carries the token that lets the
// resource refuse it.
func Token(ctx context.Context) (uint64, bool) {
	c, _ := ctx.Value(heldKey{}).(*leaseContext)
	if c == nil || c.lease.token == 0 {
		return 0, false
	}
	return c.lease.token, true
}

// hopeless reports whether waiting for key in mode could only end when ctx's
// own leases do, as fn of Do holds them and waits here.
func hopeless(ctx context.Context, sp *space, key string, l *Lock) bool {
	c, _ := ctx.Value(heldKey{}).(*leaseContext)
	permits := 0
	for ; c != nil; c = c.outer {
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
