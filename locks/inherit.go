package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// inherit takes over a lease that was passed on, with a lease of this lock's
// own length where that differs or where it ends a fixed time from now.
func (p *place) inherit(ctx context.Context, next *lease) (*lease, error) {
	if next.ended(next.got.Later()) {
		next.expire()
	}
	if next.state.Load() != held {
		return p.lostOnTheWay(ctx)
	}
	old, length := next.adopt()
	if old == 0 {
		return next, nil
	}
	sent, err := p.space.store.Extend(ctx, next.request(length))
	switch {
	case err == nil && next.restart(clock.At(sent), length):
		return next, nil
	case errors.Is(err, ErrNotHeld):
		if next.state.Load() == held {
			next.lose(next.fail("hold", because(ErrLockLost, err)))
		}
		return p.lostOnTheWay(ctx)
	case err == nil:
		err = errLate
	}
	next.forfeit(max(length, old)) // nobody knows which of both it has now
	if ctx.Err() != nil {
		return nil, because(ErrLockActive, ended(ctx))
	}
	return nil, because(ErrLockAcquire, err)
}

// lostOnTheWay waits on after the lease that was passed on ended, as lost, before
// anybody had it.
func (p *place) lostOnTheWay(ctx context.Context) (*lease, error) {
	p.space.in.Add(1) // lose counted this acquisition out
	if p.left() <= 0 {
		return nil, ErrLockActive
	}
	p.asking = false
	return p.take(ctx)
}

// adopt gives the lease the terms of its holder's lock, and returns the length
// that it has and the one to be asked for. old is 0 if nothing need be asked.
func (l *lease) adopt() (old, length time.Duration) {
	s := &l.space.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	length, renewed := l.set.terms(l.space.lease)
	if renewed && l.renewed && length == l.length || length == Forever && l.length == Forever {
		return 0, length
	}
	old, l.length, l.renewed = l.length, length, renewed || length == Forever
	return old, length
}

// restart begins the lease anew, and reports whether the answer that said so
// came in time: before the new end, and before the old one was noticed.
func (l *lease) restart(sent clock.Instant, length time.Duration) bool {
	s := &l.space.schedule
	now := clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.bucket == nil { // lost
		return false
	}
	l.setEnd(sent, length)
	l.renewAt = l.firstRenewal(sent.Mono)
	s.replace(l, now.Mono)
	return !l.ended(now)
}

// quit leaves the line. A lease passed on at that moment goes to the next.
func (p *place) quit() {
	if next := p.line.quit(&p.waiting); next != nil {
		next.surrender()
	}
}

// surrender gives up a lease that nobody got to use: to the next in line, or
// to the store in the background.
func (l *lease) surrender() {
	if !l.finish(errReleased) {
		l.space.in.Add(1) // it was lost, which counted out its acquisition
		return
	}
	switch now := clock.Now(); {
	case l.line.local != nil:
		l.line.releaseLocal(l, now)
	case !l.line.pass(l, now):
		l.discard(l.asked())
	}
}

// forfeit gives a lease that nobody got to use to the store, which may hold it
// for as long as length.
func (l *lease) forfeit(length time.Duration) {
	if !l.finish(errReleased) {
		l.space.in.Add(1) // see surrender
	}
	l.discard(length)
}

func (l *lease) discard(length time.Duration) {
	l.space.schedule.remove(l)
	l.space.giveBacks.add(l.request(length))
	l.line.leave(l)
}
