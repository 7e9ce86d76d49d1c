package locks

import (
	"context"
	"errors"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

var errUnreleased = errors.New("Release was not called since")

// acquire gets a lease for this value.
func (l *Lock) acquire(ctx context.Context, wait time.Duration) error {
	l.once.Do(func() { l.self = weak.Make(&l.anchor) })
	a := l.attempt(ctx, wait, l.self)
	if l.mode != driver.Exclusive || l.current.Load() != nil {
		if err := a.enterValue(); err != nil {
			a.refused(err)
			return l.fail("acquire", err)
		}
	}
	next, err := a.lease()
	if err != nil {
		return l.fail("acquire", err)
	}
	got := l.current.CompareAndSwap(nil, next)
	a.leaveValue()
	if !got {
		// Another Acquire on this value was faster: its lease is the value's.
		next.handOffOrRelease()
		err := l.inUse(l.current.Load())
		a.refused(err)
		return l.fail("acquire", err)
	}
	return l.publish(&a, next)
}

// publish tells that a got next, which is the value's by now. It is given back if the
// observer panics, or holds up the caller for too long.
func (l *Lock) publish(a *attempt, next *lease) error {
	published := false
	defer func() {
		if !published && l.current.CompareAndSwap(next, nil) {
			_ = next.release(a.ctx, unused)
		}
	}()
	if err := a.acquired(next); err != nil {
		return l.fail("acquire", err)
	}
	published = true
	return nil
}

// inUse returns the error of an Acquire on a value that has lease c.
func (l *Lock) inUse(c *lease) error {
	if c == nil || c.active() || l.current.Load() != c {
		return ErrLockActive
	}
	return withCause(ErrLockLost, errUnreleased)
}

// enterValue returns when a may have the value: it holds no lease, in the modes in
// which the store would grant it a second one, and nobody else's turn it is to wait for
// one. A value whose lease was lost is refused.
func (a *attempt) enterValue() error {
	l := a.lock
	c := l.current.Load()
	if c != nil && !c.active() && l.current.Load() == c {
		return withCause(ErrLockLost, errUnreleased)
	}
	if l.options.err != nil || l.local || l.mode == driver.Exclusive {
		return nil
	}
	if !a.waits {
		if c != nil {
			return ErrLockActive
		}
		return nil
	}
	rl, err := a.resolve()
	if err != nil {
		return err
	}
	if err := a.valueWait(rl, rl.turn, nil); err != nil {
		return err
	}
	a.turn = rl.turn
	for {
		c := l.current.Load()
		if c == nil {
			return nil
		}
		if err := a.valueWait(rl, nil, c.alone().Done()); err != nil {
			return err
		}
		if c = l.current.Load(); c != nil && !c.active() && l.current.Load() == c {
			return withCause(ErrLockLost, errUnreleased)
		}
	}
}

// valueWait waits until it is a's turn, or the value's lease is over.
func (a *attempt) valueWait(rl *resolvedLock, turn chan<- struct{}, over <-chan struct{}) error {
	began := clock.Mono()
	var timeout <-chan time.Time
	if a.until != 0 {
		timer := time.NewTimer(a.left())
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case turn <- struct{}{}:
		return nil
	case <-over:
		return nil
	default:
	}
	a.tellWaiting(rl.client)
	select {
	case turn <- struct{}{}:
	case <-over:
	case <-rl.client.closing.Done():
		return withCause(ErrLockAcquire, ErrClosed)
	case <-a.ctx.Done():
		return withCause(a.whyWaited(rl, began), ended(a.ctx))
	case <-timeout:
		return a.whyWaited(rl, began)
	}
	return nil
}

// whyWaited says why the value was not to be had by a wait that began then: it has a
// lease, or who was about to get one for it waits.
func (a *attempt) whyWaited(rl *resolvedLock, began int64) error {
	if c := a.lock.current.Load(); c != nil && c.active() {
		return ErrLockActive
	}
	if word := recent(rl.client.lines.Word(rl.key, rl.mode), began); errors.Is(word, driver.ErrHeld) {
		return withCause(ErrLockActive, word)
	}
	return withCause(ErrLockAcquire, withCause(ErrUnavailable, errNoAnswer))
}
