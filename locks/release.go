package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// errReleased is the cause of a context whose lock was released.
var errReleased = &Error{Op: "hold", Err: fault{ErrNotHeld, errors.New("it was released")}}

// release ends the lease here and then on the store, or passes it on.
func (l *lease) release(ctx context.Context) error {
	now := l.got.Later()
	if l.state.Load() == held && l.ended(now) {
		l.expire()
	}
	if !l.finish(errReleased) {
		return l.releaseLost()
	}
	defer l.space.done()
	began := l.space.began()
	if l.line != nil && l.line.local != nil {
		l.line.releaseLocal(l, now)
		return nil
	}
	if l.line != nil && l.line.pass(l, now) {
		l.space.tellSince(concurrent.EventReleased, l, began)
		return nil
	}
	l.space.schedule.remove(l)
	err := l.giveBack(ctx, now)
	if l.line != nil {
		l.line.leave(l)
	}
	switch {
	case err == nil:
		l.space.tellSince(concurrent.EventReleased, l, began)
		return nil
	case errors.Is(err, ErrNotHeld):
		err = l.fail("release", because(ErrLockLost, err))
		l.space.tell(concurrent.EventLost, l, 0, err)
		return err
	case !l.stays(now):
		l.space.giveBacks.add(l.request(l.asked()))
	}
	return l.fail("release", because(ErrLockRelease, err))
}

// releaseLost answers a Release that came after the loss. The key is given
// back if the store may still hold it for us.
func (l *lease) releaseLost() error {
	cause := l.why()
	if e, ok := errors.AsType[*Error](cause); ok {
		cause = e.Err
	}
	d := l.mayLast()
	if d > 0 && !errors.Is(cause, ErrNotHeld) && !errors.Is(cause, ErrClosed) && l.space.life.Err() == nil {
		l.space.giveBacks.add(l.request(d))
	}
	return l.fail("release", cause)
}

// mayLast returns how long the store may hold what was lost here: 0 for a lease
// that ended when it was to end.
func (l *lease) mayLast() time.Duration {
	l.space.schedule.mu.Lock()
	defer l.space.schedule.mu.Unlock()
	if l.renewed {
		return max(l.length, l.unsure)
	}
	return l.unsure
}

// stays reports whether the key is to stay held after the release.
func (l *lease) stays(now clock.Instant) bool {
	return l.set.keep || now.Since(l.got) < l.set.minHold
}

// giveBack releases on the store, or has the key kept, also when ctx has ended.
func (l *lease) giveBack(ctx context.Context, now clock.Instant) error {
	if l.space.inProcess != nil && !l.stays(now) {
		return l.space.inProcess.ReleaseAt(l.key, l.owner, l.mode, now)
	}
	ctx = l.space.detach(ctx, now.Mono)
	r := driver.Request{Key: l.key, Owner: l.owner, Mode: l.mode, Holder: l.space.holder(l.set)}
	switch left := l.set.minHold - now.Since(l.got); {
	case l.set.keep:
		return l.space.keeper.Keep(ctx, r)
	case left > 0:
		r.Lease = max(left, time.Millisecond) // the shortest that Keep takes
		return l.space.keeper.Keep(ctx, r)
	}
	return l.space.store.Release(ctx, r)
}
