package locks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// Extend makes the lease end d from now, longer or shorter than it was; where
// it is renewed, later renewals ask for d too. d is at least 5 ms and what the
// store can grant, or Forever; else ErrInvalidOption.
//
// It returns ErrNotHeld with nothing held, and ErrLockLost if the lease was
// lost, now or before. After another error the store may or may not have
// extended the lease: the value stays active until the earlier of both ends.
func (l *Lock) Extend(ctx context.Context, d time.Duration) error {
	c := l.current.Load()
	if c == nil {
		return l.fail("extend", ErrNotHeld)
	}
	if least := max(leastLease, c.space.features.MinLease); d < least {
		return l.fail("extend", fmt.Errorf("%w: a lease must be at least %v, or Forever; is %v", ErrInvalidOption, least, d))
	}
	l.extending.Lock()
	defer l.extending.Unlock()
	if !c.active() {
		if c.state.Load() == held {
			c.expire()
		}
		return l.fail("extend", because(ErrLockLost, c.why()))
	}
	if err := c.extend(ctx, d); err != nil {
		return l.fail("extend", err)
	}
	return nil
}

func (l *lease) extend(ctx context.Context, d time.Duration) error {
	began := l.space.began()
	old, overlap := l.announce(d)
	sent, err := l.space.store.Extend(ctx, l.request(d))
	switch {
	case err == nil:
		return l.extended(sent, d, old, overlap, began)
	case errors.Is(err, ErrNotHeld), errors.Is(err, ErrClosed):
		err = because(ErrLockLost, err)
		l.lose(l.fail("extend", err))
		return err
	case certain(err):
		l.revoke(old)
	default:
		l.doubt(max(d, old.length))
	}
	if ctx.Err() != nil {
		err = because(ended(ctx), err)
	}
	return err
}

// terms of a lease before an Extend.
type former struct {
	length           time.Duration
	endMono, endWall int64
}

// announce makes d the length that is asked for from now on, and the local
// deadline the earlier of both: the request may reach the store at any moment.
// It reports whether a renewal that asks for the old length is under way.
func (l *lease) announce(d time.Duration) (former, bool) {
	s := &l.space.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	now := clock.Now()
	old := former{l.length, l.endMono.Load(), l.endWall.Load()}
	overlap := l.inFlight
	if l.renewed { // a renewal may reach the store after this request
		l.unsure = max(l.unsure, l.length)
	}
	_, keepAlive := l.set.terms(l.space.lease)
	l.length, l.renewed = d, keepAlive || d == Forever
	if d != Forever {
		early := int64(usable(d))
		l.endMono.Store(min(old.endMono, now.Mono+early))
		l.endWall.Store(min(old.endWall, now.Wall+early))
		l.renewAt = min(l.renewAt, l.firstRenewal(now.Mono)) // in case no answer comes
		s.replace(l, now.Mono)
	}
	return old, overlap
}

// revoke undoes announce after the store refused.
func (l *lease) revoke(old former) {
	s := &l.space.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	l.length = old.length
	_, keepAlive := l.set.terms(l.space.lease)
	l.renewed = keepAlive || old.length == Forever
	l.endMono.Store(old.endMono)
	l.endWall.Store(old.endWall)
	s.replace(l, clock.Now().Mono)
}

// doubt notes that the store's lease may be as long as d.
func (l *lease) doubt(d time.Duration) {
	s := &l.space.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	l.unsure = max(l.unsure, d)
}

// extended starts the new lease, unless its reply came after its end.
func (l *lease) extended(sent time.Time, d time.Duration, old former, overlap bool, began time.Time) error {
	s := &l.space.schedule
	now := clock.Now()
	s.mu.Lock()
	if l.ended(now) {
		l.unsure = max(l.unsure, d, old.length)
		s.mu.Unlock()
		l.expire()
		return because(ErrLockLost, errLate)
	}
	l.brief = false
	at := clock.At(sent)
	if overlap && old.length < d {
		// The renewal under way may reach the store last. One that asks for d
		// follows at once.
		l.prolong(at, old.length)
		l.renewAt = now.Mono
	} else {
		l.prolong(at, d)
		l.renewAt = l.firstRenewal(at.Mono)
	}
	s.replace(l, now.Mono)
	s.mu.Unlock()
	l.space.tellSince(concurrent.EventRenewed, l, began)
	return nil
}
