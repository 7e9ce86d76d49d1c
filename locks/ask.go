package locks

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/backoff"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/keepalive"
	"github.com/concurrent-go/concurrent/locks/internal/term"
)

const (
	pollFirst = 5 * time.Millisecond
	pollMost  = 250 * time.Millisecond
)

// away notes that the store can't be reached. The observer hears of it once in a wait.
func (w *waitCall) away(err error) {
	w.heard(err)
	if w.calls.warned {
		return
	}
	w.calls.warned = true
	c := w.rl.client
	var id uint64
	if w.report != nil {
		id = w.report.id
	}
	c.warn(concurrent.Event{
		ID: id, Key: w.lock.key, Label: w.rl.options.label, Mode: w.rl.mode,
		Err: fmt.Errorf("a wait for %q goes on although the store can't be had: %w", shortKey(w.lock.key), err),
	}, nil)
}

// askStore asks for the key, and waits for it in the store. The first request is not
// cut short by the end of the wait: a wait that is shorter than a call may take begins
// with a call that does not wait.
func (w *waitCall) askStore(r driver.Request) (driver.Grant, error) {
	c := w.rl.client
	if c.inProcess == nil && c.waiter != nil && w.left() < min(r.Lease, firstBound) {
		g, err := w.try(w.callContext(), r)
		if !errors.Is(err, driver.ErrHeld) || w.left() <= 0 {
			return g, err
		}
		w.heard(err)
	}
	returned := false
	ctx, free := w.callContext(), context.CancelFunc(func() {})
	if w.until != 0 {
		ctx, free = context.WithTimeoutCause(ctx, w.left(), errWaitOver)
	}
	answered := w.tellWaitingSoon(c)
	defer func() {
		free()
		answered()
		if !returned { // the driver panicked
			c.giveBack(r)
		}
	}()
	g, err := w.waitInStore(ctx, r)
	returned = true
	return g, err
}

// waitInStore waits in the store, or asks one that can't wait again and again.
func (w *waitCall) waitInStore(ctx context.Context, r driver.Request) (driver.Grant, error) {
	c := w.rl.client
	if c.waiter != nil {
		g, err := w.acquireInStore(ctx, r)
		if !errors.Is(err, driver.ErrUnsupported) {
			return g, overdue(ctx, err)
		}
	}
	return w.poll(ctx, r)
}

// acquireInStore waits in the store. A call of a driver that says when the key is held
// is given up if it says nothing for as long as a call may take: its server hangs.
func (w *waitCall) acquireInStore(ctx context.Context, r driver.Request) (driver.Grant, error) {
	c := w.rl.client
	s := storeWait{line: w.line, client: c}
	defer s.end()
	r.OnHeld = s.onHeld
	if c.inProcess != nil || !c.saysHeld.Load() {
		return c.waiter.Acquire(ctx, r)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(callBound, func() {
		if s.state.Load() == 0 {
			cancel(errUnanswered(callBound))
		}
	})
	defer timer.Stop()
	g, err := c.waiter.Acquire(ctx, r)
	return g, answered(ctx, err)
}

// firstBound is how long the first request of a wait may take at least, however short
// the wait.
const firstBound = 2 * time.Second

// try asks the store once, for as long as a call may take, however long ctx lasts: a
// wait outlives a call that hangs. The end of the wait cuts no call shorter than
// firstBound. The answer counts for every waiter in the line, also with longer leases
// than r's, so a call has keepalive.LeastCall at least.
func (w *waitCall) try(ctx context.Context, r driver.Request) (driver.Grant, error) {
	c := w.rl.client
	if c.inProcess != nil {
		return c.inProcess.TryAcquire(ctx, r)
	}
	d := max(min(r.Lease, callBound, max(w.left(), firstBound)), keepalive.LeastCall)
	ctx, cancel := context.WithTimeoutCause(ctx, d, errUnanswered(d))
	defer cancel()
	return c.tryAcquire(ctx, r)
}

// A storeWait is one call that waits in the store. From when the store said that the key
// is held until the call returns, that is true for every waiter behind it. What a driver
// says after the call returned is ignored.
type storeWait struct {
	client *client
	line   *waitQueue
	state  atomic.Int32 // 1: the store said that the key is held; 2: the call returned
}

func (s *storeWait) onHeld(held *driver.HeldError) {
	first := s.state.CompareAndSwap(0, 1)
	if s.state.Load() == 1 {
		s.line.Heard(held)
	}
	if first { // after the word, which counts as true from then on
		s.client.saysHeld.Store(true)
		s.line.AddStoreWaits(1)
	}
}

func (s *storeWait) end() {
	if s.state.Swap(2) == 1 {
		s.line.AddStoreWaits(-1)
	}
}

// overdue returns err, or errWaitOver if it says no more than that the wait is over.
func overdue(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errWaitOver) && !isDefinite(err) {
		return errWaitOver
	}
	return err
}

// poll asks a store that can't wait, again and again. The first call is not cut short
// by the end of the wait.
func (w *waitCall) poll(ctx context.Context, r driver.Request) (driver.Grant, error) {
	pause := backoff.Backoff{First: pollFirst, Most: pollMost, Seed: backoff.Seed(r.Key)}
	timer := time.NewTimer(Forever)
	defer timer.Stop()
	call := w.callContext()
	if w.calls.word != nil {
		call = ctx
	}
	for {
		g, err := w.try(call, r)
		if !errors.Is(err, driver.ErrHeld) {
			return g, overdue(ctx, err)
		}
		call = ctx
		w.heard(err)
		d := pause.Next()
		if h, ok := errors.AsType[*driver.HeldError](err); ok && h.For > 0 {
			d = max(time.Millisecond, min(d, h.For))
		}
		timer.Reset(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return driver.Grant{}, err
		}
	}
}

// extendHandedLease extends a short lease that the store handed over to its full length,
// before its holder gets it: only then can it be handed on to the next waiter here. If
// that fails, the lease stays what it was, and its renewal finds out why; the request is
// returned if it may still arrive. It takes no longer than the wait, and leaves time for
// another try.
func (w *waitCall) extendHandedLease(g *driver.Grant, r driver.Request) (lost *term.Request) {
	c := w.rl.client
	ctx, cancel := context.WithTimeout(w.callContext(), min(g.Lease/4, callBound, max(w.left(), keepalive.LeastCall)))
	defer cancel()
	returned := false
	defer func() {
		if !returned { // the driver panicked
			c.giveBack(r)
		}
	}()
	now := clock.Now()
	sent, err := c.store.Extend(ctx, r)
	returned = true
	switch {
	case err == nil:
		g.Sent, g.Lease = sent, 0
	case !isDefinite(err) && !errors.Is(err, ErrNotHeld):
		return &term.Request{Sent: now, Length: r.Lease, Use: r.Lease}
	}
	return nil
}
