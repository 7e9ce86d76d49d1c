package locks

import (
	"errors"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/cleanup"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
	"github.com/concurrent-go/concurrent/locks/internal/term"
)

var (
	errLate      = errors.New("the store's reply came after the lease that it granted")
	errCollected = errors.New("the Lock or Lease was dropped by the program while it was active")
)

// newLease makes a lease of what the store granted, and puts it under watch, unless the
// reply came so late that the lease may have ended. lost is a request to extend it that
// may still arrive, or nil.
func (rl *resolvedLock) newLease(a *attempt, r driver.Request, g driver.Grant, lost *term.Request) (*lease, error) {
	c := rl.client
	now := clock.At(g.Sent)
	if c.inProcess == nil || a.waited { // the reply travelled, or lay for a while
		now = now.Later()
	}
	length, renewed := rl.options.terms(c.lease)
	l := &lease{
		resolvedLock: rl, owner: r.Owner, token: g.Token, spare: int32(min(max(g.Spare, 0), 1<<30)), got: now,
		length: length, renewed: renewed || length == Forever, queue: a.queue, who: a.who,
	}
	l.observedAs(a.told())
	granted := term.Request{Sent: clock.At(g.Sent), Length: r.Lease, Use: length}
	if g.Lease != 0 {
		l.brief, l.inFlight = true, true
		granted.Length, granted.Use = g.Lease, min(g.Lease, length)
	}
	l.term = term.Granted(granted)
	if lost != nil {
		l.term.Lost(l.term.Send(*lost), now)
	}
	l.updateDeadline()
	if l.deadline.Passed(now) {
		c.giveBack(r)
		return nil, withCause(ErrUnavailable, errLate)
	}
	c.wheel.Lock()
	if c.abandoned { // the drain has not waited for this call
		c.wheel.Unlock()
		c.releaseNow(r)
		return nil, withCause(ErrLockAcquire, ErrClosed)
	}
	c.granted()
	l.renewAt = l.firstRenewal(now.Mono)
	c.wheel.Add(l, now)
	c.wheel.Unlock()
	if g.Lease != 0 {
		c.renewer.Renew(l)
	}
	return l, nil
}

// updateDeadline sets the deadline to what follows from the term and the options. The
// wheel is locked, or nobody else knows l.
func (l *lease) updateDeadline() {
	end := l.term.Deadline()
	if l.options.maxHold != nil {
		end = end.Earlier(l.lastEnd())
	}
	l.deadline.Set(end)
}

// lastEnd is when WithMaxHold ends the lease.
func (l *lease) lastEnd() deadline.End { return deadline.After(l.got, *l.options.maxHold) }

// active reports whether the lease is held and its deadline still ahead. It
// compares clocks: timers may be late in a process that was stopped.
func (l *lease) active() bool {
	return l.state.Load() == held && !l.deadline.Passed(clock.Now())
}

// remaining returns how long the lease lasts if nothing extends it.
func (l *lease) remaining() time.Duration {
	if l.state.Load() != held {
		return 0
	}
	return l.deadline.Remaining(clock.Now())
}

func (l *lease) heldFor() time.Duration { return clock.Now().Since(l.got) }

// lose ends a lease that was not released. It may be called from anywhere, and waits
// for nobody.
func (l *lease) lose(cause *Error) bool {
	if l.local != nil {
		return l.loseLocal(cause)
	}
	c := l.client
	c.wheel.Lock()
	c.wheel.Remove(l)
	claimed := l.claimed
	ends, ok := l.finishNow(cause) // together with the look at claimed: one of both tells of the loss
	c.wheel.Unlock()
	ends.cancel(cause)
	if !ok {
		return false
	}
	if l.queue != nil {
		l.queue.Leave(l)
	}
	c.counts.lost.Add(1)
	if claimed { // else claim tells it, after it was told that the lease was got
		l.notifyLater(concurrent.EventLost, 0, cause)
	}
	c.leave(oneHeld)
	return true
}

// expire ends a lease whose deadline is past: with ErrLockExpired if it was to
// end then, else with ErrLockLost. What the store holds for longer than the holder
// was to have it is given back.
func (l *lease) expire() {
	asOptionsSay := !l.isRenewed() || l.options.maxHold != nil && l.lastEnd().Passed(clock.Now())
	cause := l.fail("hold", ErrLockExpired)
	if !asOptionsSay {
		cause = l.fail("hold", withCause(ErrLockLost, errNotRenewed))
	}
	if l.lose(cause) && asOptionsSay && l.local == nil {
		l.giveBackLost()
	}
}

// minHoldLeft is how long a lease stays held by nobody from now on, by WithMinHold.
func (l *lease) minHoldLeft(now clock.Instant) time.Duration {
	return l.options.minHold - now.Since(l.got)
}

// giveBackLost gives back in the background what the store may hold longer of a lease
// that was lost than its holder was to have it; with WithMinHold, when that is over.
func (l *lease) giveBackLost() {
	longest, longer := l.onStore()
	if !longer {
		return
	}
	if left := l.minHoldLeft(clock.Now()); left > 0 {
		l.giveBackKept(time.Now().Add(left))
		return
	}
	l.client.giveBack(l.request(longest))
}

func (l *lease) isRenewed() bool {
	if l.local != nil {
		return false // a local lease that is renewed never ends
	}
	l.client.wheel.Lock()
	defer l.client.wheel.Unlock()
	return l.renewed
}

// confirmed returns the request that the store carried out last, as far as is known.
func (l *lease) confirmed() term.Request {
	l.client.wheel.Lock()
	defer l.client.wheel.Unlock()
	return l.term.Confirmed()
}

// onStore returns for how long the store may hold the lease, and whether that is
// longer than its holder was to have it.
func (l *lease) onStore() (longest time.Duration, longer bool) {
	l.client.wheel.Lock()
	defer l.client.wheel.Unlock()
	longest = l.term.Longest()
	return longest, l.renewed || !l.term.Settled() || longest > l.term.Confirmed().Use
}

func (l *lease) longest() time.Duration {
	longest, _ := l.onStore()
	return longest
}

// claim hands the lease to who asked for it, after the observer was told. Until then
// it is not renewed, so that an observer that hangs keeps no key from others.
func (l *lease) claim() {
	if l.local != nil {
		return
	}
	c := l.client
	c.wheel.Lock()
	l.claimed = true
	cause := l.why()
	c.wheel.Move(l, clock.Mono())
	c.wheel.Unlock()
	if cause != nil && !errors.Is(cause, errReleased) {
		l.notifyLater(concurrent.EventLost, 0, cause)
	}
}

// collected reports whether the Lock or Lease that has this lease is gone.
func (l *lease) collected() bool {
	return l.who != weak.Pointer[anchor]{} && l.who.Value() == nil
}

// abandon ends a lease whose Lock or Lease is gone: it is renewed no more, and the
// key is free when it ends on the store.
func (l *lease) abandon() {
	c := l.client
	c.wheel.Lock()
	c.wheel.Remove(l)
	c.wheel.Unlock()
	if !l.finish(l.fail("hold", withCause(ErrLockLost, errCollected))) {
		return
	}
	if l.queue != nil {
		l.queue.Leave(l)
	}
	c.counts.lost.Add(1)
	l.notifyLater(concurrent.EventLeaked, 0, errCollected)
	c.leave(oneHeld)
}

// storeLength is what the store is asked for so that the holder has length: no less
// than its shortest lease, nor than what is left of WithMinHold.
func (rl *resolvedLock) storeLength(length, held time.Duration) time.Duration {
	return max(length, rl.client.features.MinLease, rl.options.minHold-held)
}

// request is what the store is told of this lease.
func (l *lease) request(length time.Duration) driver.Request {
	return driver.Request{Key: l.key, Owner: l.owner, Lease: length, Mode: l.mode, Holder: l.client.holder(l.options)}
}

// giveBackKept has the key kept in the background until the given moment, and
// released if that can't be had in time.
func (l *lease) giveBackKept(until time.Time) {
	longest := l.longest()
	it := cleanup.Item{Request: l.request(longest), KeepUntil: until, Settled: time.Now()}
	if longest != Forever {
		it.Over = it.Settled.Add(longest)
	}
	l.client.cleanup.Add(it)
}

// fail returns an *Error about this lease's key.
func (l *lease) fail(op string, err error) *Error {
	return l.client.fail(op, l.key, err)
}

func (l *lease) loseLocal(cause *Error) bool {
	if !l.finish(cause) {
		return false
	}
	now := clock.Now()
	left := l.minHoldLeft(now)
	l.local.leave(l, left > 0, deadline.After(now, left).Mono)
	return true
}

// leave says that l, which ended, holds the lock no more; if it is kept, nobody can
// have it until then.
func (lo *localLock) leave(l *lease, kept bool, until int64) {
	lo.mu.Lock()
	defer lo.mu.Unlock()
	if lo.holder == l {
		lo.holder, lo.kept, lo.until = nil, kept, until
		lo.wake()
	}
}

// wake has the first in line look. lo.mu is held.
func (lo *localLock) wake() {
	if first := lo.queue.First(); first != nil {
		select {
		case first.Value.look <- struct{}{}:
		default:
		}
	}
}

// notHeld returns why the lease is not held, nil if it is: ErrNotHeld after a release,
// ErrLockLost after a loss.
func (l *lease) notHeld() error {
	if l.active() {
		return nil
	}
	if l.state.Load() == held {
		l.expire()
	}
	cause := l.why()
	if errors.Is(cause, errReleased) {
		return ErrNotHeld
	}
	if e, ok := errors.AsType[*Error](cause); ok {
		cause = e.Err
	}
	return withCause(ErrLockLost, cause)
}
