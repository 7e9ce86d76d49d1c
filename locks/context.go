package locks

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// A leaseContext is a context that ends with its lease. It is what fn of Do
// gets, and what Context returns. Much work under a lock never looks at its
// context, so what makes it end is made when it is first asked for.
//
// A parent may be the context of the same lease, or of one whose context is made of
// this one's: so nothing here asks a parent anything while it holds a lock.
type leaseContext struct {
	parent context.Context
	lease  *lease
	handle *Lease // keeps a Lease from being collected while its contexts are used; or nil
	inner  atomic.Pointer[cancelable]
}

var _ context.Context = (*leaseContext)(nil)

type contextKey struct{}

// newContext returns a context of parent that ends, with the lease's cause,
// when the lease does.
func (l *lease) newContext(parent context.Context) *leaseContext {
	return &leaseContext{parent: parent, lease: l}
}

// open makes what c ends by, which has ended if the lease or the parent has.
func (c *leaseContext) open() context.Context {
	if inner := c.inner.Load(); inner != nil {
		return inner.Context
	}
	var inner *cancelable
	if done := c.parent.Done(); done == nil {
		inner = c.lease.alone()
	} else {
		inner = c.lease.join(c.parent, done)
	}
	c.inner.CompareAndSwap(nil, inner)
	return c.inner.Load().Context
}

// Deadline is the parent's: when the lease ends is not fixed.
func (c *leaseContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done is closed when the lease ends or the parent does.
func (c *leaseContext) Done() <-chan struct{} { return c.open().Done() }

// Err looks at the clocks too: after the process was stopped past its
// deadline, fn may run before the timer that ends the context does.
func (c *leaseContext) Err() error {
	if c.lease.state.Load() == held {
		if c.lease.deadline.Passed(clock.Now()) {
			c.lease.expire()
		} else if c.inner.Load() == nil && c.parent.Err() == nil {
			return nil
		}
	}
	return c.open().Err()
}

// Value knows the lease, and otherwise what the parent does. What package context
// asks for, to tie contexts together, is of what c ends by.
func (c *leaseContext) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	if isCancelKey(key) {
		return c.open().Value(key)
	}
	return c.parent.Value(key)
}

// String names c as those of package context are named. Without it, fmt would read
// what others write.
func (c *leaseContext) String() string {
	parent := reflect.TypeOf(c.parent).String()
	if s, ok := c.parent.(fmt.Stringer); ok {
		parent = s.String()
	}
	return parent + leaseMark
}

// GoString is String.
func (c *leaseContext) GoString() string { return c.String() }

const leaseMark = ".WithLease"

// outer returns the nearest context of a lease around c, nil if there is none.
func (c *leaseContext) outer() *leaseContext { return under(c.parent) }

// under returns the innermost context of a lease that ctx was made of.
func under(ctx context.Context) *leaseContext {
	c, _ := ctx.Value(contextKey{}).(*leaseContext)
	return c
}

// Token returns the fencing token of the innermost lock that ctx was made
// under, by Do or by Context of a Lock or Lease, and whether there is one. It stays
// what it was after the lock ended, so that a late write carries the token that lets
// the resource refuse it.
func Token(ctx context.Context) (uint64, bool) {
	c := under(ctx)
	if c == nil || c.lease.token == 0 {
		return 0, false
	}
	return c.lease.token, true
}

// Held returns the innermost lease that ctx was made under, by Do or by Context of a
// Lock or Lease, and whether there is one. It may have ended since: see Lease.Active.
// Inside Do it is Do that releases it.
func Held(ctx context.Context) (*Lease, bool) {
	c := under(ctx)
	switch {
	case c == nil:
		return nil, false
	case c.handle != nil:
		return c.handle, true
	}
	return &Lease{lease: c.lease}, true
}

// Detach returns a context with ctx's values, without its end and without its leases:
// for work that the function of a Do starts and does not wait for. It carries no
// token, and may wait for the key of the Do that it was started in.
func Detach(ctx context.Context) context.Context {
	return withoutLeases{context.WithoutCancel(ctx)}
}

type withoutLeases struct{ context.Context }

func (c withoutLeases) Value(key any) any {
	if key == (contextKey{}) {
		return nil
	}
	return c.Context.Value(key)
}

func (c withoutLeases) String() string { return fmt.Sprint(c.Context) + ".Detach" }

// wouldDeadlock reports whether waiting for key in mode could only end when ctx's
// own leases do, as fn of Do holds them and waits here.
func wouldDeadlock(ctx context.Context, rl *resolvedLock) bool {
	permits, nth := 0, 0
	for c := under(ctx); c != nil; c = c.outer() {
		nth++
		if c.lease.client != rl.client || c.lease.local != rl.local || c.lease.key != rl.key || !c.lease.active() || !follows(ctx, nth) {
			continue
		}
		permits++
		if rl.mode.Excludes(c.lease.mode) || permits >= rl.mode.Slots() && rl.mode.Slots() > 0 {
			return true
		}
	}
	return false
}

// follows reports whether ctx ends with the lease whose context is the nth around it:
// work whose context does not, by context.WithoutCancel, is not waited for, and may wait
// itself. The names of contexts say what they were made by, and that of a deadline
// another thing each time; what hides them is taken to follow.
func follows(ctx context.Context, nth int) bool {
	if ctx.Done() == nil {
		return false
	}
	made := strings.Split(fmt.Sprint(ctx), leaseMark)
	return len(made) <= nth || !slices.ContainsFunc(made[len(made)-nth:], func(part string) bool {
		return strings.Contains(part, ".WithoutCancel")
	})
}
