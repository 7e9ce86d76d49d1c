package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// asking returns ctx, ended after wait and when the space is drained.
func (sp *space) asking(ctx context.Context, wait time.Duration) (context.Context, func()) {
	inner, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(sp.closing, func() { cancel(ErrClosed) })
	if wait == Forever {
		return inner, func() { stop(); cancel(nil) }
	}
	timed, free := context.WithTimeoutCause(inner, wait, errWaitOver)
	return timed, func() { free(); stop(); cancel(nil) }
}

// ask waits in the store for the key, as the head of a line does.
func (sp *space) ask(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if sp.waiter != nil {
		g, err := sp.waiter.Acquire(ctx, r)
		if !errors.Is(err, driver.ErrUnsupported) {
			return g, err
		}
	}
	return sp.poll(ctx, r)
}

const (
	pollFirst = 5 * time.Millisecond
	pollMost  = 250 * time.Millisecond

	// heldLately is how long a key counts as held without the store's word.
	heldLately = 2 * pollMost
)

// errHeldBefore: the wait ended while the store was asked, which had said that
// the key is held a moment ago. What the last request came to nobody knows.
var errHeldBefore = errors.New("the key was held when the store was asked last")

// poll asks a store that can't wait, again and again.
func (sp *space) poll(ctx context.Context, r driver.Request) (driver.Grant, error) {
	timer := time.NewTimer(Forever)
	defer timer.Stop()
	var answered time.Time
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		g, err := sp.store.TryAcquire(ctx, r)
		if !errors.Is(err, driver.ErrHeld) {
			if err != nil && ctx.Err() != nil && time.Since(answered) < heldLately {
				err = errors.Join(errHeldBefore, err)
			}
			return g, err
		}
		answered = time.Now()
		d := pause
		if h, ok := errors.AsType[*driver.HeldError](err); ok && h.For > 0 {
			d = max(time.Millisecond, min(d, h.For))
		}
		timer.Reset(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return driver.Grant{}, errors.Join(err, ctx.Err())
		}
	}
}
