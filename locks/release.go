package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// A use is what was made of a lease that is released.
type use int

const (
	used      use = iota // by who got it
	succeeded            // by a function that returned nil
	unused               // nobody got to use it
)

// release ends the lease here and then on the store, or hands it on.
func (l *lease) release(ctx context.Context, u use) error {
	now := l.got.Later()
	if l.state.Load() == held && l.deadline.Passed(now) {
		l.expire()
	}
	if !l.finish(errReleased) {
		return l.releaseLost()
	}
	if l.local != nil {
		l.releaseLocal(u, now)
		return nil
	}
	c := l.client
	defer c.leave(oneHeld)
	began := c.began()
	if l.handOff(now) {
		l.notifyReleased(began, nil)
		return nil
	}
	c.wheel.Lock()
	c.wheel.Remove(l)
	c.wheel.Unlock()
	err := l.releaseOnStore(ctx, u, now)
	switch {
	case err == nil:
		l.notifyReleased(began, nil)
		return nil
	case errors.Is(err, ErrNotHeld):
		err = l.fail("release", withCause(ErrLockLost, err))
		c.counts.lost.Add(1)
		l.notify(concurrent.EventLost, 0, err)
		return err
	}
	err = l.fail("release", withCause(ErrLockRelease, err))
	l.notifyReleased(began, err)
	return err
}

// began returns the time if somebody wants to know how long something took.
func (c *client) began() time.Time {
	if c.observer() == nil {
		return time.Time{}
	}
	return time.Now()
}

func (l *lease) notifyReleased(began time.Time, err error) {
	if !began.IsZero() {
		l.notify(concurrent.EventReleased, time.Since(began), err)
	}
}

// releaseOnStore releases on the store, or has the key kept, also when ctx has ended.
// What fails is tried again in the background. Whatever happens, those who wait here
// go on.
func (l *lease) releaseOnStore(ctx context.Context, u use, now clock.Instant) (err error) {
	c := l.client
	until := l.keptUntil(u, now)
	if c.inProcess != nil && until.IsZero() {
		err = c.inProcess.ReleaseAt(l.key, l.owner, l.mode, now)
		if l.queue != nil {
			l.queue.Leave(l)
		}
		return err
	}
	ctx, free := c.afterwards(ctx)
	returned := false
	defer func() {
		free()
		if !returned || err != nil && !errors.Is(err, ErrNotHeld) && !errors.Is(err, ErrClosed) {
			l.tryAgain(until)
		}
		if !returned {
			l.notifyInPanic(concurrent.EventReleased, l.fail("release", withCause(ErrLockRelease, errPanicked)))
		}
		if l.queue != nil {
			l.queue.Leave(l)
		}
	}()
	r := driver.Request{Key: l.key, Owner: l.owner, Mode: l.mode, Holder: c.holder(l.options)}
	if until.IsZero() {
		err = c.store.Release(ctx, r)
	} else {
		if !l.keepsWhole(u) {
			r.Lease = max(time.Until(until), time.Millisecond) // the shortest that Keep takes
		}
		err = c.keeper.Keep(ctx, r)
	}
	returned = true
	return answered(ctx, err)
}

// keepsWhole reports whether the key stays held for the rest of its lease, which the
// store knows as its holder does: no other length may have reached it.
func (l *lease) keepsWhole(u use) bool {
	o := l.options
	if u == unused || !o.keep && (!o.keepOnSuccess || u != succeeded) {
		return false
	}
	l.client.wheel.Lock()
	defer l.client.wheel.Unlock()
	return l.term.Settled() && l.term.Confirmed().Length == l.length
}

// keptUntil returns until when the key is to stay held by nobody; zero: it is to be
// free.
func (l *lease) keptUntil(u use, now clock.Instant) time.Time {
	o := l.options
	switch {
	case u == unused:
		return time.Time{}
	case o.keep, o.keepOnSuccess && u == succeeded:
		confirmed := l.confirmed()
		end := time.Duration(confirmed.Sent.Mono-now.Mono) + confirmed.Use
		return time.Now().Add(end)
	}
	if left := l.minHoldLeft(now); left > 0 {
		return time.Now().Add(left)
	}
	return time.Time{}
}

// tryAgain has the release, or the keeping, tried again in the background.
func (l *lease) tryAgain(until time.Time) {
	if !until.IsZero() {
		l.giveBackKept(until)
		return
	}
	l.client.giveBack(l.request(l.longest()))
}

// releaseLost answers a Release that came after the loss. The key is given
// back if the store may still hold it for us.
func (l *lease) releaseLost() error {
	cause := l.why()
	if errors.Is(cause, errReleased) {
		return l.fail("release", ErrNotHeld)
	}
	if e, ok := errors.AsType[*Error](cause); ok {
		cause = e.Err
	}
	if l.local == nil && !errors.Is(cause, ErrNotHeld) && !errors.Is(cause, ErrClosed) && l.client.life.Err() == nil {
		l.giveBackLost()
	}
	return l.fail("release", cause)
}
