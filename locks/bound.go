package locks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/term"
)

const (
	// callBound is how long a call to a store takes at most whose caller set no
	// deadline.
	callBound = 5 * time.Second
	// windowFor is how long calls that begin at about one time share a bound.
	windowFor = 100 * time.Millisecond

	travel = term.Travel
)

// window returns a context that ends in callBound, up to windowFor earlier.
func (c *client) window() context.Context {
	now := clock.Mono()
	w := c.windows.Load()
	if w == nil || now > w.until {
		inner, cancel := context.WithTimeoutCause(context.Background(), callBound, errUnanswered(callBound))
		context.AfterFunc(inner, cancel)
		w = &window{Context: inner, until: now + int64(windowFor)}
		c.windows.Store(w)
	}
	return w
}

// A detached context has a window's end and its caller's values.
type detached struct {
	context.Context
	values context.Context
}

func (d detached) Value(key any) any {
	if isCancelKey(key) {
		return d.Context.Value(key)
	}
	return d.values.Value(key)
}

// bounded returns ctx with a deadline, if it has none: in d, or callBound if that is
// shorter. A store in this process answers at once.
func (c *client) bounded(ctx context.Context, d time.Duration) (context.Context, func()) {
	if c.inProcess != nil {
		return ctx, func() {}
	}
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	d = min(d, callBound)
	if d == callBound && ctx.Done() == nil {
		return detached{c.window(), ctx}, func() {}
	}
	return context.WithTimeoutCause(ctx, d, errUnanswered(d))
}

// afterwards returns a context for a release: one that works although ctx was
// cancelled, with ctx's values, and with its deadline where that is still ahead.
func (c *client) afterwards(ctx context.Context) (context.Context, func()) {
	if c.inProcess != nil && ctx.Done() == nil {
		return ctx, func() {}
	}
	end, ok := ctx.Deadline()
	if left := time.Until(end); ok && left > 0 && left < callBound {
		return context.WithTimeoutCause(context.WithoutCancel(ctx), left, context.DeadlineExceeded)
	}
	return detached{c.window(), ctx}, func() {}
}

// An errUnanswered is the end of a call that its caller did not bound: so long.
type errUnanswered time.Duration

func (e errUnanswered) Error() string {
	return fmt.Sprintf("the store did not answer within %v", time.Duration(e))
}

// Is has it match ErrUnavailable, and the deadline that it is.
func (errUnanswered) Is(target error) bool {
	return target == driver.ErrUnavailable || target == context.DeadlineExceeded
}

// answered returns what a bounded call came to: err, or that the bound was reached.
func answered(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, driver.ErrHeld) {
		return err
	}
	if e, ok := errors.AsType[errUnanswered](context.Cause(ctx)); ok {
		return withCause(ErrUnavailable, e)
	}
	return err
}

// isCancelKey reports whether key is what package context asks a parent for.
func isCancelKey(key any) bool { return plain.Value(key) != nil }

// plain is a context of package context that knows nothing but what ties contexts
// together.
var plain, _ = context.WithCancel(context.Background())

// boundedCall returns ctx with a deadline, if it has none.
func boundedCall(ctx context.Context) (context.Context, func()) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, callBound, errUnanswered(callBound))
}
