package locks

import (
	"context"
	"errors"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/backoff"
	"github.com/concurrent-go/concurrent/internal/redact"
)

// An attempt is one Acquire, Do or Hold on its way to a lease.
type attempt struct {
	lock  *Lock
	ctx   context.Context
	until time.Time // when the wait is over; zero: when ctx is, or there is none
	waits bool
	who   weak.Pointer[anchor] // whose the lease will be; zero: nobody's that is collected
	queue *waitQueue           // the line that the lease is got through; or nil

	observer concurrent.Observer // nil: nobody is told
	began    time.Time           // only if somebody is
	id       uint64
	counted  *client // that counts it as under way
	waiting  <-chan struct{}
}

// attempt begins an attempt to get l.
func (l *Lock) attempt(ctx context.Context, wait time.Duration, who weak.Pointer[anchor]) attempt {
	a := attempt{lock: l, ctx: ctx, waits: wait > 0, who: who}
	if wait > 0 && wait != Forever {
		a.until = time.Now().Add(wait)
	}
	if l.local {
		return a
	}
	if a.observer = l.options.registryOr().Observer(); a.observer != nil {
		a.began, a.id = time.Now(), lastID.Add(1)
	}
	return a
}

// left is how much of the wait is left.
func (a *attempt) left() time.Duration {
	switch {
	case !a.waits:
		return 0
	case a.until.IsZero():
		return Forever
	}
	return time.Until(a.until)
}

// told returns what observers are told of the lease that comes of a.
func (a *attempt) told() *told {
	if a.observer == nil {
		return nil
	}
	return &told{context.WithoutCancel(a.ctx), a.id}
}

// lease gets a lease. On an error it was told and nothing is held.
func (a *attempt) lease() (l *lease, err error) {
	defer func() {
		if l == nil {
			a.refused(err)
		}
		a.counted = nil
	}()
	if err := a.lock.options.err; err != nil {
		return nil, err
	}
	if a.ctx.Err() != nil {
		return nil, withCause(ErrLockAcquire, ended(a.ctx))
	}
	rl, err := a.resolve()
	if err != nil {
		return nil, err
	}
	if wouldDeadlock(a.ctx, rl) {
		return nil, withCause(ErrLockActive, errOwn)
	}
	if rl.local != nil {
		return a.leaseLocal(rl)
	}
	if err := rl.client.enter(); err != nil {
		return nil, withCause(ErrLockAcquire, err)
	}
	a.counted = rl.client
	return a.grant(rl)
}

var errOwn = errors.New("this context's own lock on it would have to end first")

const (
	// askFirst and askMost are the pauses before a store that is away is asked again.
	askFirst = 50 * time.Millisecond
	askMost  = time.Second
)

// resolve is the lock's, but goes on for as long as a waits while the store can't be
// opened.
func (a *attempt) resolve() (*resolvedLock, error) {
	if rl := a.lock.resolved.Load(); rl != nil && rl.local != nil {
		return rl, nil
	}
	pause := backoff.Backoff{First: askFirst, Most: askMost, Seed: backoff.Seed(a.lock.key)}
	for {
		ctx, free := a.ctx, func() {}
		if _, bounded := ctx.Deadline(); !bounded {
			ctx, free = openBounded(ctx, a.lock)
		}
		rl, err := a.lock.resolve(ctx)
		cause := context.Cause(ctx)
		free()
		if err == nil {
			return rl, nil
		}
		if a.ctx.Err() == nil {
			err = notOpened(err, cause)
		}
		if !errors.Is(err, ErrUnavailable) || !a.pause(nil, min(pause.Next(), a.left())) {
			if a.ctx.Err() != nil {
				err = withCause(err, ended(a.ctx))
			}
			return nil, err
		}
	}
}

// notOpened returns err, of a lock whose caller's context has not ended. A store that
// did not open in time, by our bound or by one that all have who open it, is away.
func notOpened(err, cause error) error {
	if e, ok := errors.AsType[errUnanswered](cause); ok {
		return withCause(ErrLockAcquire, withCause(ErrUnavailable, e))
	}
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrUnavailable) {
		if e, ok := err.(causeError); ok {
			err = e.cause
		}
		return withCause(ErrLockAcquire, withCause(ErrUnavailable, err))
	}
	return err
}

// openBounded bounds what opens the store, if there is anything to do.
func openBounded(ctx context.Context, l *Lock) (context.Context, func()) {
	if l.local {
		return ctx, func() {}
	}
	if rl := l.resolved.Load(); rl != nil && rl.current() {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, callBound, errUnanswered(callBound))
}

// pause lets d go by, and reports whether it did: neither ctx, nor the wait, nor the
// client came to its end.
func (a *attempt) pause(c *client, d time.Duration) bool {
	if d <= 0 || a.ctx.Err() != nil {
		return false
	}
	var closing <-chan struct{}
	if c != nil {
		closing = c.closing.Done()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return a.left() > 0
	case <-a.ctx.Done():
	case <-closing:
	}
	return false
}

// grant asks the store, or waits in line.
func (a *attempt) grant(rl *resolvedLock) (*lease, error) {
	c := rl.client
	// Asking a store in this process costs less than a place in line, and a
	// place is not needed as long as nobody else has one.
	if a.waits && (c.inProcess == nil || !c.lines.Quiet(rl.key)) {
		return a.wait(rl)
	}
	r := rl.request()
	g, err := c.tryAcquire(a.ctx, r)
	switch {
	case err == nil:
		return rl.newLease(a, r, g, nil)
	case errors.Is(err, driver.ErrHeld) && a.waits:
		return a.wait(rl)
	case errors.Is(err, driver.ErrHeld):
		return nil, withCause(ErrLockActive, err)
	case !isDefinite(err):
		c.giveBack(r)
	}
	if a.ctx.Err() != nil {
		err = withCause(ended(a.ctx), err)
	}
	return nil, withCause(ErrLockAcquire, err)
}

// tryAcquire asks the store once, for as long as a call may take. What a driver that
// panics may have granted is given back.
func (c *client) tryAcquire(ctx context.Context, r driver.Request) (g driver.Grant, err error) {
	if c.inProcess != nil {
		return c.inProcess.TryAcquire(ctx, r)
	}
	ctx, free := c.bounded(ctx, r.Lease)
	returned := false
	defer func() {
		free()
		if !returned {
			c.giveBack(r)
		}
	}()
	g, err = c.store.TryAcquire(ctx, r)
	returned = true
	return g, c.answered(ctx, err)
}

// refused tells that a came to nothing: because of err, or of a panic if that is nil.
func (a *attempt) refused(err error) {
	c := a.counted
	if c != nil {
		a.counted = nil
		c.leave(1)
	} else if rl := a.lock.resolved.Load(); rl != nil && rl.local == nil {
		c = rl.client
	}
	if c != nil {
		c.counts.refused.Add(1)
	}
	if a.observer == nil {
		return
	}
	o := a.observer
	a.observer = nil // it is told once, also if it panics
	if err == nil {
		err = errPanicked
	}
	a.heardOfWait()
	o.Observe(context.WithoutCancel(a.ctx), a.event(concurrent.EventRefused, a.lock.fail("acquire", err)))
}

var errPanicked = errors.New("the driver or an observer panicked")

func (a *attempt) event(kind concurrent.EventKind, err error) concurrent.Event {
	l := a.lock
	e := concurrent.Event{
		Kind: kind, ID: a.id, Alias: redact.Name(l.alias), Key: l.key, Label: l.options.label, Mode: l.mode, Err: err,
	}
	if kind != concurrent.EventWaiting {
		e.Took = time.Since(a.began)
	}
	return e
}

// acquired tells that a got l, which its caller has from now on. If the lease ended
// while that was told, or it panics as an observer does, the caller gives l back.
func (a *attempt) acquired(l *lease) error {
	if l.local == nil {
		l.client.counts.acquired.Add(1)
	}
	if a.observer == nil {
		return nil
	}
	a.heardOfWait()
	e := a.event(concurrent.EventAcquired, nil)
	e.Token = l.token
	a.tell(l, e)
	if err := l.notHeld(); err != nil {
		return withCause(ErrLockAcquire, err)
	}
	return nil
}

// tell tells of l, which is its caller's from then on, also to give it back after a
// panic.
func (a *attempt) tell(l *lease, e concurrent.Event) {
	defer l.claim()
	a.observer.Observe(l.told.ctx, e)
}

// waitToldFor is how long the end of a wait is not told because its beginning is
// still being told.
const waitToldFor = 100 * time.Millisecond

// tellWaiting has it told, once, that a waits: in the background, so that an observer
// that hangs keeps nobody from taking over a lease.
func (a *attempt) tellWaiting(c *client) {
	if a.observer == nil || a.waiting != nil {
		return
	}
	done := make(chan struct{})
	a.waiting = done
	c.events.add(event{ctx: context.WithoutCancel(a.ctx), Event: a.event(concurrent.EventWaiting, nil), done: done})
}

// heardOfWait waits for a moment until the wait was told, so that its end comes later.
func (a *attempt) heardOfWait() {
	if a.waiting == nil {
		return
	}
	timer := time.NewTimer(waitToldFor)
	defer timer.Stop()
	select {
	case <-a.waiting:
	case <-timer.C:
	}
}
