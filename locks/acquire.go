package locks

import (
	"context"
	"errors"
	"math"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// acquire gets a lease for this value.
func (l *Lock) acquire(ctx context.Context, wait time.Duration) error {
	if l.unreleased() {
		return l.fail("acquire", because(ErrLockLost, errUnreleased))
	}
	l.once.Do(func() { l.self = weak.Make(l) })
	for {
		if err := l.awaitValue(ctx, wait); err != nil {
			return l.fail("acquire", err)
		}
		next, err := l.obtain(ctx, wait, l.self)
		if err != nil {
			return l.fail("acquire", err)
		}
		if l.current.CompareAndSwap(nil, next) {
			return nil
		}
		// Another Acquire on this value was faster: its lease is the value's.
		_ = next.release(ctx)
		if l.unreleased() {
			return l.fail("acquire", because(ErrLockLost, errUnreleased))
		}
	}
}

// unreleased reports whether this value's lease was lost and not given back
// since. A Release takes the lease from the value before it ends it: one that is
// the value's no more was given back.
func (l *Lock) unreleased() bool {
	c := l.current.Load()
	return c != nil && !c.active() && l.current.Load() == c
}

// awaitValue waits until this value holds no lease, in the modes in which the
// store would grant it a second one.
func (l *Lock) awaitValue(ctx context.Context, wait time.Duration) error {
	c := l.current.Load()
	if l.mode == driver.Exclusive || c == nil {
		return nil
	}
	if wait == 0 {
		return ErrLockActive
	}
	inner := c.newContext(ctx)
	defer inner.close()
	var over <-chan time.Time
	if wait != Forever {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-inner.Done():
		if ctx.Err() != nil {
			return because(ErrLockActive, ended(ctx))
		}
		return nil
	case <-over:
		return ErrLockActive
	}
}

var errUnreleased = errors.New("Release was not called since")

// obtain gets a lease that is this lock's but not the value's yet. It is
// dropped with the value that self points to, if it does to one.
func (l *Lock) obtain(ctx context.Context, wait time.Duration, self weak.Pointer[Lock]) (*lease, error) {
	if l.set.err != nil {
		return nil, l.set.err
	}
	if ctx.Err() != nil {
		return nil, because(ErrLockAcquire, ended(ctx))
	}
	b, err := l.bind(ctx)
	if err != nil {
		return nil, err
	}
	sp := b.space
	if hopeless(ctx, sp, b.key, l) {
		return nil, because(ErrLockActive, errOwn)
	}
	if err := sp.enter(); err != nil {
		return nil, because(ErrLockAcquire, err)
	}
	began := sp.began()
	next, err := l.grant(ctx, b, wait, self)
	if err != nil {
		sp.done()
		sp.tellRefused(b.key, began, err)
		return nil, err
	}
	sp.tellSince(concurrent.EventAcquired, next, began)
	return next, nil
}

var errOwn = errors.New("this context's own lock on it would have to end first")

// grant asks the store, or waits in line.
func (l *Lock) grant(ctx context.Context, b *binding, wait time.Duration, self weak.Pointer[Lock]) (*lease, error) {
	if b.local != nil {
		return l.grantLocal(ctx, b, wait, self)
	}
	sp := b.space
	// Asking a store in this process costs less than a place in line, and a
	// place is not needed as long as nobody else has one.
	if wait > 0 && (sp.inProcess == nil || !sp.lines.quiet(b.key)) {
		return l.await(ctx, b, wait, self)
	}
	r := b.request()
	g, err := sp.store.TryAcquire(ctx, r)
	switch {
	case err == nil:
		return b.accept(r, g, nil, self)
	case errors.Is(err, driver.ErrHeld) && wait > 0:
		return l.await(ctx, b, wait, self)
	case errors.Is(err, driver.ErrHeld):
		return nil, because(ErrLockActive, err)
	case !certain(err):
		sp.giveBacks.add(r)
	}
	if ctx.Err() != nil {
		err = because(ended(ctx), err)
	}
	return nil, because(ErrLockAcquire, err)
}

// request is what the store is asked for, with a new owner.
func (b *binding) request() driver.Request {
	length, renewed := b.set.terms(b.space.lease)
	return driver.Request{
		Key: b.key, Owner: b.space.owners.next(), Lease: length, Mode: b.mode, Holder: b.space.holder(b.set),
		Brief: renewed, // it will be extended all the same
	}
}

// accept makes a lease of what the store granted, through a line or not, and puts
// it under watch, unless the reply came so late that the lease may have ended.
func (b *binding) accept(r driver.Request, g driver.Grant, ln *line, self weak.Pointer[Lock]) (*lease, error) {
	sp := b.space
	sent := clock.At(g.Sent)
	now := sent
	if sp.inProcess == nil { // the reply travelled
		now = sent.Later()
	}
	_, renewed := b.set.terms(sp.lease)
	next := &lease{
		binding: b, owner: r.Owner, line: ln,
		token: g.Token, spare: int32(min(g.Spare, math.MaxInt32)), got: now,
		length: r.Lease, renewed: renewed || r.Lease == Forever, lock: self,
	}
	brief := g.Lease != 0
	if brief {
		next.brief, next.inFlight = true, true
		next.setEnd(sent, g.Lease)
	} else {
		next.setEnd(sent, r.Lease)
	}
	if next.ended(now) {
		sp.giveBacks.add(r)
		return nil, because(ErrLockAcquire, errLate)
	}
	sp.schedule.add(next, now)
	if brief {
		sp.renewals.take([]*lease{next})
	}
	return next, nil
}

// onlyActive reports whether err says that another holds the key, and no more:
// ctx did not end.
func onlyActive(err error) bool {
	return errors.Is(err, ErrLockActive) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
