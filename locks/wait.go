package locks

import (
	"context"
	"errors"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent/driver"
)

var (
	errWaitOver = errors.New("the wait is over")
	errLate     = errors.New("the store's reply came after the lease that it granted")
	errNoAnswer = errors.New("the store did not answer within the wait")
)

// A place is one Acquire's in a line.
type place struct {
	waiting
	lock  *Lock
	line  *line
	until time.Time // when the wait is over; zero: when ctx is
	told  bool      // the observer knows that it waits
	asked time.Time // when it was told to ask the store; zero: it was so from the beginning
}

// await takes a place in the line for the key and returns when the lease is
// passed on to it, the store granted it, or the wait is over.
func (l *Lock) await(ctx context.Context, b *binding, wait time.Duration, self weak.Pointer[Lock]) (*lease, error) {
	return newPlace(l, b, wait, self).take(ctx)
}

func newPlace(l *Lock, b *binding, wait time.Duration, self weak.Pointer[Lock]) *place {
	p := &place{lock: l}
	p.waiting = waiting{binding: b, self: self, turn: make(chan *lease, 1)}
	if wait != Forever {
		p.until = time.Now().Add(wait)
	}
	return p
}

// take joins the line and waits there.
func (p *place) take(ctx context.Context) (*lease, error) {
	ln, ask, err := p.space.lines.join(p.key, p.mode, &p.waiting)
	if err != nil {
		return nil, because(ErrLockAcquire, err)
	}
	p.line = ln
	if ask {
		return p.ask(ctx)
	}
	p.tellWaiting()
	next, err := p.next(ctx)
	switch {
	case err != nil:
		p.quit()
		return nil, err
	case next == askTurn:
		p.asked = time.Now()
		return p.ask(ctx)
	case next == closedTurn:
		return nil, because(ErrLockAcquire, ErrClosed)
	}
	return p.inherit(ctx, next)
}

// next returns what the place is told when its turn has come.
func (p *place) next(ctx context.Context) (*lease, error) {
	if p.until.IsZero() && ctx.Done() == nil {
		return <-p.turn, nil
	}
	var over <-chan time.Time
	if !p.until.IsZero() {
		timer := time.NewTimer(p.left())
		defer timer.Stop()
		over = timer.C
	}
	select {
	case next := <-p.turn:
		return next, nil
	case <-ctx.Done():
		return nil, because(ErrLockActive, ended(ctx))
	case <-over:
		return nil, ErrLockActive
	}
}

// left is how much of the wait is left.
func (p *place) left() time.Duration {
	if p.until.IsZero() {
		return Forever
	}
	return time.Until(p.until)
}

// ask asks the store, as the head of the line.
func (p *place) ask(ctx context.Context) (*lease, error) {
	r := p.request()
	asking, cancel := p.space.asking(ctx, p.left())
	answered := p.watched()
	g, err := p.space.ask(asking, r)
	answered()
	over := context.Cause(asking)
	cancel()
	if err == nil {
		return p.granted(r, g)
	}
	p.quit()
	if !certain(err) {
		p.space.giveBacks.add(r)
	}
	switch {
	case ctx.Err() != nil:
		return nil, because(ErrLockActive, ended(ctx))
	case errors.Is(over, ErrClosed):
		return nil, because(ErrLockAcquire, ErrClosed)
	case errors.Is(err, driver.ErrHeld), errors.Is(err, errHeldBefore):
		return nil, ErrLockActive
	case errors.Is(over, errWaitOver) && time.Since(p.asked) < heldLately:
		return nil, ErrLockActive // it waited for others in the line, and then too short for an answer
	case errors.Is(over, errWaitOver):
		return nil, because(ErrLockAcquire, errors.Join(ErrUnavailable, errNoAnswer))
	}
	return nil, because(ErrLockAcquire, err)
}

// granted leaves the line with what the store granted.
func (p *place) granted(r driver.Request, g driver.Grant) (*lease, error) {
	if g.Lease != 0 && p.line.crowded(&p.waiting) {
		p.space.lengthen(&g, r)
	}
	ln := p.line
	if p.mode != driver.Exclusive {
		ln = nil // what others may hold beside it is not passed on
	}
	next, err := p.accept(r, g, ln, p.self)
	if err != nil {
		p.quit()
		return nil, err
	}
	p.line.granted(&p.waiting, next)
	return next, nil
}

// ended returns why ctx ended: its Err, and its Cause where that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return err
	}
	return fault{err, cause}
}
