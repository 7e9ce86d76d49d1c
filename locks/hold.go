package locks

import (
	"context"
	"time"
	"weak"
)

// Hold is Acquire for this caller alone: each call gets a lease of its own. It returns
// Acquire's errors, and ErrLockActive on a held key whatever WithRaise says. On an error
// the Lease is nil and nothing is held.
func (l *Lock) Hold(ctx context.Context) (*Lease, error) {
	l = l.valid()
	h := new(Lease)
	a := l.attempt(ctx, l.options.wait, weak.Make(&h.anchor))
	next, err := a.lease()
	if err != nil {
		return nil, l.fail("hold", err)
	}
	told := false
	defer func() {
		if !told { // the observer panicked, or held up the caller for too long
			_ = next.release(ctx, unused)
		}
	}()
	h.lease = next
	if err := a.acquired(next); err != nil {
		return nil, l.fail("hold", err)
	}
	told = true
	return h, nil
}

// held returns the lease, nil for a nil or zero Lease.
func (h *Lease) held() *lease {
	if h == nil {
		return nil
	}
	return h.lease
}

// Active is Lock.Active of this lease.
func (h *Lease) Active() bool {
	c := h.held()
	return c != nil && c.active()
}

// Release gives the lease back, as Lock.Release does. After the first call it returns
// ErrNotHeld, or ErrLockLost if the lease was lost.
func (h *Lease) Release(ctx context.Context) error {
	if c := h.held(); c != nil {
		return c.release(ctx, used)
	}
	return &Error{Op: "release", Err: ErrNotHeld}
}

// Extend is Lock.Extend of this lease.
func (h *Lease) Extend(ctx context.Context, d time.Duration) error {
	c := h.held()
	if c == nil {
		return &Error{Op: "extend", Err: ErrNotHeld}
	}
	if err := c.extend(ctx, d); err != nil {
		return c.fail("extend", err)
	}
	return nil
}

// Context is Lock.Context of this lease.
func (h *Lease) Context(parent context.Context) context.Context {
	c := h.held()
	if c == nil {
		ctx, cancel := context.WithCancelCause(parent)
		cancel(&Error{Op: "hold", Err: ErrNotHeld})
		return ctx
	}
	if c.state.Load() == held && !c.active() {
		c.expire()
	}
	ctx := c.newContext(parent)
	ctx.handle = h
	return ctx
}

// Token is Lock.Token of this lease.
func (h *Lease) Token() uint64 {
	if c := h.held(); c != nil {
		return c.token
	}
	return 0
}

// Remaining is Lock.Remaining of this lease.
func (h *Lease) Remaining() time.Duration {
	if c := h.held(); c != nil {
		return c.remaining()
	}
	return 0
}

// Key returns the key as it was given, without the alias's prefix.
func (h *Lease) Key() string {
	if c := h.held(); c != nil {
		return c.client.unprefixed(c.key)
	}
	return ""
}

// String names the lease by its key and alias.
func (h *Lease) String() string {
	c := h.held()
	if c == nil || c.local != nil {
		return "locks.Lease"
	}
	return "locks.Lease of " + shortKey(h.Key()) + " on " + c.client.alias
}
