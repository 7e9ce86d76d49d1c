package locks

import (
	"context"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/internal/redact"
)

// newReport returns the report of an attempt with ctx, nil if nobody observes.
func newReport(ctx context.Context, o concurrent.Observer) *report {
	if o == nil {
		return nil
	}
	return &report{told: told{context.WithoutCancel(ctx), lastID.Add(1)}, observer: o, began: time.Now()}
}

// refused tells that a came to nothing: because of err, or of a panic if that is nil.
func (a *attempt) refused(err error) {
	a.leaveValue()
	c := a.counted
	if c != nil {
		a.counted = nil
		c.leave(1)
	} else if rl := a.lock.resolved.Load(); rl != nil && rl.local == nil {
		c = rl.client
	}
	if c != nil {
		c.counts.refused.Add(1)
	}
	r := a.report
	if r == nil || r.observer == nil {
		return
	}
	o := r.observer
	r.observer = nil // it is told once, also if it panics
	if err == nil {
		err = errPanicked
	}
	r.heardOfWait()
	o.Observe(r.ctx, a.event(concurrent.EventRefused, a.lock.fail("acquire", err)))
}

// leaveValue lets the next have its turn. It is called before an observer is told of
// the outcome, which may take long, or ask for the value itself.
func (a *attempt) leaveValue() {
	if a.turn != nil {
		<-a.turn
		a.turn = nil
	}
}

// event returns an event about a, which is observed.
func (a *attempt) event(kind concurrent.EventKind, err error) concurrent.Event {
	l := a.lock
	e := concurrent.Event{
		Kind: kind, ID: a.report.id, Alias: redact.Name(l.alias), Key: l.key, Label: l.options.label, Mode: l.mode, Err: err,
	}
	if kind != concurrent.EventWaiting {
		e.Took = time.Since(a.report.began)
	}
	return e
}

// acquired tells that a got l, which its caller has from now on. If the lease ended
// while that was told, or it panics as an observer does, the caller gives l back.
func (a *attempt) acquired(l *lease) error {
	if l.local == nil {
		l.client.counts.acquired.Add(1)
	}
	if a.report == nil {
		return nil
	}
	a.report.heardOfWait()
	e := a.event(concurrent.EventAcquired, nil)
	e.Token = l.token
	a.report.tell(l, e)
	if err := l.notHeld(); err != nil {
		return withCause(ErrLockAcquire, err)
	}
	return nil
}

// tell tells of l, which is its caller's from then on, also to give it back after a
// panic.
func (r *report) tell(l *lease, e concurrent.Event) {
	defer l.claim()
	r.observer.Observe(r.ctx, e)
}

// waitToldFor is how long the end of a wait is not told because its beginning is
// still being told.
const waitToldFor = 100 * time.Millisecond

// tellWaiting has it told, once, that a waits: in the background, so that an observer
// that hangs keeps nobody from taking over a lease.
func (a *attempt) tellWaiting(c *client) {
	r := a.report
	if r == nil || r.waiting != nil {
		return
	}
	done := make(chan struct{})
	r.waiting = done
	c.events.add(event{ctx: r.ctx, Event: a.event(concurrent.EventWaiting, nil), done: done})
}

// waitingAfter is when a store that has not answered is taken to wait for the key,
// where it does not say so.
const waitingAfter = 10 * time.Millisecond

// tellWaitingSoon has it told that a waits if answered is not called soon. The caller
// calls it before it tells how the wait ended.
func (a *attempt) tellWaitingSoon(c *client) (answered func()) {
	r := a.report
	if r == nil || r.waiting != nil {
		return func() {}
	}
	told, done := make(chan struct{}), make(chan struct{})
	e := event{ctx: r.ctx, Event: a.event(concurrent.EventWaiting, nil), done: done}
	timer := time.AfterFunc(waitingAfter, func() { // keeps no Lock from being collected
		c.events.add(e)
		close(told)
	})
	return func() {
		if !timer.Stop() {
			<-told
			r.waiting = done
		}
	}
}

// warn tells, once, that l waits for a store that can't be opened: there is no client yet
// that would tell it in the background. An observer that hangs holds up the wait for a
// moment only.
func (r *report) warn(l *Lock, err error) {
	if r.warned {
		return
	}
	r.warned = true
	told := make(chan struct{})
	go func() {
		defer close(told)
		_ = observe(r.ctx, r.observer, concurrent.Event{
			Kind: concurrent.EventStoreWarning, ID: r.id, Alias: redact.Name(l.alias), Key: l.key, Label: l.options.label, Mode: l.mode,
			Err: fmt.Errorf("a wait for %q goes on although the store can't be opened: %w", shortKey(l.key), err),
		})
	}()
	waitFor(told, waitToldFor)
}

// waitFor waits until c is closed, or for d.
func waitFor(c <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}

// heardOfWait waits for a moment until the wait was told, so that its end comes later.
func (r *report) heardOfWait() {
	if r.waiting == nil {
		return
	}
	waitFor(r.waiting, waitToldFor)
}
