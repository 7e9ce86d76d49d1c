package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

var (
	errWaitOver = errors.New("the wait is over")
	errLate     = errors.New("the store's reply came after the lease that it granted")
)

// await takes a place in the line for r.Key and returns when the lease is
// passed on to it, the store granted it, or the wait is over.
func (l *Lock) await(ctx context.Context, sp *space, r driver.Request, wait time.Duration) (*lease, error) {
	ln, w := sp.lines.join(r.Key, r.Mode, l.set)
	var over <-chan time.Time
	began := time.Now()
	if wait != Forever {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	if len(w.turn) == 0 {
		sp.tellWaiting(r.Key)
	}
	select {
	case next := <-w.turn:
		if next != nil {
			return l.inherit(ctx, next, r, wait-time.Since(began))
		}
		if wait != Forever {
			wait -= time.Since(began)
		}
		return l.askFirst(ctx, sp, ln, w, r, wait)
	case <-ctx.Done():
		sp.quit(ln, w)
		return nil, because(ErrLockActive, ended(ctx))
	case <-over:
		sp.quit(ln, w)
		return nil, ErrLockActive
	case <-sp.closing.Done():
		sp.quit(ln, w)
		return nil, because(ErrLockAcquire, ErrClosed)
	}
}

// askFirst asks the store as the head of the line.
func (l *Lock) askFirst(ctx context.Context, sp *space, ln *line, w *waiting, r driver.Request, wait time.Duration) (*lease, error) {
	asking, cancel := sp.asking(ctx, wait)
	g, err := sp.ask(asking, r)
	over := context.Cause(asking)
	cancel()
	if err == nil {
		next, err := l.accept(sp, r, g)
		if err != nil {
			sp.quit(ln, w)
			return nil, err
		}
		ln.granted(w, next)
		return next, nil
	}
	sp.quit(ln, w)
	if !certain(err) {
		sp.giveBacks.add(r)
	}
	switch {
	case ctx.Err() != nil:
		return nil, because(ErrLockActive, ended(ctx))
	case errors.Is(over, ErrClosed):
		return nil, because(ErrLockAcquire, ErrClosed)
	case errors.Is(err, driver.ErrHeld):
		return nil, ErrLockActive
	case errors.Is(over, errWaitOver):
		return nil, because(ErrLockAcquire, errors.Join(ErrUnavailable, errors.New("the store did not answer within the wait")))
	}
	return nil, because(ErrLockAcquire, err)
}

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

// quit leaves the line. A lease passed on at that moment goes to the next.
func (sp *space) quit(ln *line, w *waiting) {
	if next := ln.quit(w); next != nil {
		sp.surrender(next)
	}
}

// surrender gives up a lease that nobody got to use: to the next in line, or
// to the store in the background.
func (sp *space) surrender(l *lease) {
	l.finish(errReleased)
	if l.line.pass(l) {
		return
	}
	sp.giveBacks.add(l.request(l.length))
	l.line.leave(l)
}

// inherit takes over a lease that was passed on, with a lease of this lock's
// own length where that differs or where it ends a fixed time from now.
func (l *Lock) inherit(ctx context.Context, next *lease, r driver.Request, wait time.Duration) (*lease, error) {
	length, renewed := l.set.terms(next.space.lease)
	same := renewed && next.renewed && length == next.length || length == Forever && next.length == Forever
	next.set = l.set
	if same {
		return next, nil
	}
	next.length, next.renewed = length, renewed || length == Forever
	sent, err := next.space.store.Extend(ctx, next.request(length))
	switch {
	case err == nil:
		next.setEnd(clock.At(sent), length)
		return next, nil
	case errors.Is(err, ErrNotHeld): // lost on the way
		next.finish(errReleased)
		next.line.leave(next)
		if wait > 0 {
			return l.await(ctx, next.space, r, wait)
		}
		return nil, ErrLockActive
	}
	next.space.surrender(next)
	if ctx.Err() != nil {
		return nil, because(ErrLockActive, ended(ctx))
	}
	return nil, because(ErrLockAcquire, err)
}

// ended returns why ctx ended: its Err, and its Cause where that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return err
	}
	return fault{err, cause}
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
)

// poll asks a store that can't wait, again and again.
func (sp *space) poll(ctx context.Context, r driver.Request) (driver.Grant, error) {
	timer := time.NewTimer(Forever)
	defer timer.Stop()
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		g, err := sp.store.TryAcquire(ctx, r)
		if !errors.Is(err, driver.ErrHeld) {
			return g, err
		}
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
