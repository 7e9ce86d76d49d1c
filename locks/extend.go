package locks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/term"
)

// extend makes the lease end d from now on. The observer is told of it when others may
// extend it again: it may do so itself.
func (l *lease) extend(ctx context.Context, d time.Duration) error {
	if err := l.options.checkExtend(d); err != nil {
		return err
	}
	took, err := l.extendAlone(ctx, d)
	if err == nil && l.local == nil {
		l.notify(concurrent.EventRenewed, took, nil)
	}
	return err
}

// extendAlone is extend while no other is under way. It returns how long the store took.
func (l *lease) extendAlone(ctx context.Context, d time.Duration) (took time.Duration, err error) {
	x := l.extras()
	x.extending.Lock()
	defer x.extending.Unlock()
	if err := l.notHeld(); err != nil {
		return 0, err
	}
	if l.local != nil {
		l.extendLocal(d)
		return 0, nil
	}
	sending, ok := l.sendExtend(d)
	if !ok {
		return 0, l.notHeld()
	}
	began := time.Now()
	sent, err := l.extendOnStore(ctx, sending)
	switch {
	case err == nil:
		took = time.Since(began)
		return took, l.extended(sending, sent)
	case errors.Is(err, ErrNotHeld), errors.Is(err, ErrClosed):
		l.failExtend(sending, false)
		err = withCause(ErrLockLost, err)
		if l.lose(l.fail("extend", err)) {
			return 0, err
		}
		return 0, l.notHeld()
	}
	l.failExtend(sending, isDefinite(err))
	if l.state.Load() != held {
		return 0, l.notHeld()
	}
	if ctx.Err() != nil {
		err = withCause(ended(ctx), unavailable(ctx, err))
	}
	return 0, err
}

// checkExtend returns an error if no lease may be extended by d.
func (o *options) checkExtend(d time.Duration) error {
	switch {
	case d < leastLease:
		return fmt.Errorf("%w: a lease must be at least %v, or Forever; is %v", ErrInvalidOption, leastLease, d)
	case d == Forever && (o.keep || o.keepOnSuccess):
		return fmt.Errorf("%w: a lease that the key is kept for needs an end: it would never be free again", ErrInvalidOption)
	}
	return nil
}

// unavailable leaves out of err what only says that ctx ended.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// An extension is one Extend under way.
type extension struct {
	id     term.ID
	length time.Duration // what is asked for
	before time.Duration // what later renewals asked for until then
}

// sendExtend makes d the length that is asked for from now on. The request may reach
// the store at any moment, so that a shorter lease counts at once. It reports false if
// the lease is over: the store may have its successor's by now.
func (l *lease) sendExtend(d time.Duration) (x extension, ok bool) {
	c := l.client
	now := clock.Now()
	c.wheel.Lock()
	defer c.wheel.Unlock()
	if l.state.Load() != held {
		return x, false
	}
	x = extension{length: l.storeLength(d, now.Since(l.got)), before: l.length}
	x.id = l.term.Send(term.Request{Sent: now, Length: x.length, Use: d})
	l.length = d
	l.updateDeadline()
	l.renewAt = min(l.renewAt, l.firstRenewal(now.Mono)) // in case no answer comes
	c.wheel.Move(l, now.Mono)
	return x, true
}

// extendOnStore asks the store, for as long as a call may take. After a panic of the
// driver nobody knows what it did.
func (l *lease) extendOnStore(ctx context.Context, x extension) (sent time.Time, err error) {
	c := l.client
	ctx, free := c.bounded(ctx, x.length)
	returned := false
	defer func() {
		free()
		if !returned {
			l.failExtend(x, false)
		}
	}()
	sent, err = c.store.Extend(ctx, l.request(x.length))
	returned = true
	return sent, answered(ctx, err)
}

// failExtend notes that the store refused, or that nobody knows what it did.
func (l *lease) failExtend(x extension, refused bool) {
	c := l.client
	now := clock.Now()
	c.wheel.Lock()
	defer c.wheel.Unlock()
	if refused {
		l.term.Refuse(x.id)
		l.length = x.before
	} else {
		l.term.Lost(x.id, now)
	}
	if !l.renewed { // nothing asks for it again
		l.length = x.before
	}
	l.updateDeadline()
	c.wheel.Move(l, now.Mono)
}

// extended starts the new lease, unless its reply came after its end.
func (l *lease) extended(x extension, at time.Time) error {
	c := l.client
	now := clock.Now()
	c.wheel.Lock()
	late := l.deadline.Passed(now)
	if late || l.state.Load() != held {
		l.term.Lost(x.id, now)
		c.wheel.Unlock()
		return l.notHeld()
	}
	_, keepAlive := l.options.terms(c.lease)
	l.renewed = keepAlive || x.length == Forever
	l.brief = false
	l.confirm(x.id, clock.At(at), now)
	c.wheel.Unlock()
	if !l.active() {
		return l.notHeld()
	}
	c.counts.renewed.Add(1)
	return nil
}
