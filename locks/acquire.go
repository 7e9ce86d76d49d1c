package locks

import (
	"context"
	"errors"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/backoff"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// attempt begins an attempt to get l.
func (l *Lock) attempt(ctx context.Context, wait time.Duration, who weak.Pointer[anchor]) attempt {
	a := attempt{lock: l, ctx: ctx, waits: wait > 0, who: who}
	if wait > 0 && wait != Forever {
		a.until = clock.Mono() + int64(min(wait, longestWait))
	}
	if l.local {
		return a
	}
	a.report = newReport(ctx, l.options.registryOr().Observer())
	return a
}

// longestWait is the longest wait that ends, 73 years, so that no sum overflows.
const longestWait = time.Duration(1) << 61

// left is how much of the wait is left.
func (a *attempt) left() time.Duration {
	switch {
	case !a.waits:
		return 0
	case a.until == 0:
		return Forever
	}
	return time.Duration(a.until - clock.Mono())
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
	if rl := a.lock.resolved.Load(); rl != nil && rl.current() {
		return rl, nil
	}
	pause := backoff.Backoff{First: askFirst, Most: askMost, Seed: backoff.Seed(a.lock.key)}
	for {
		ctx, free := boundedCall(a.ctx)
		rl, err := a.lock.resolve(ctx)
		cause := context.Cause(ctx)
		free()
		if err == nil {
			return rl, nil
		}
		if a.ctx.Err() == nil {
			err = notOpened(err, cause)
		}
		if errors.Is(err, ErrUnavailable) && a.left() > 0 && a.report != nil {
			a.report.warn(a.lock, err)
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
// did not open in time is away, by our bound or by one that its driver set itself.
func notOpened(err, cause error) error {
	if e, ok := errors.AsType[errUnanswered](cause); ok {
		return withCause(ErrLockAcquire, withCause(ErrUnavailable, e))
	}
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrUnavailable) {
		if e, ok := err.(causeError); ok { //nolint:errorlint // the outermost alone
			err = e.cause
		}
		return withCause(ErrLockAcquire, withCause(ErrUnavailable, err))
	}
	return err
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
	var g driver.Grant
	var err error
	if c.inProcess != nil {
		g, err = c.inProcess.TryAcquire(a.ctx, r)
	} else {
		g, err = c.tryAcquire(a.ctx, r)
	}
	switch {
	case err == nil:
		l, err := rl.newLease(a, r, g, nil)
		switch {
		case isLate(err) && a.waits:
			return a.wait(rl)
		case isLate(err):
			err = withCause(ErrLockAcquire, err)
		}
		return l, err
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
	return g, answered(ctx, err)
}
