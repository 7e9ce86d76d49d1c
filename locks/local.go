package locks

import (
	"errors"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
	"github.com/concurrent-go/concurrent/locks/internal/term"
)

// Local returns a lock of this process that has no name: whoever has the value
// shares it, and nobody else. It takes the same options as Cache except
// WithRegistry. Its lease is renewed as long as the process runs, so that without
// WithExpire or WithMaxHold it has no end. Who waits is served first come, first
// served. It has no key, and belongs to no registry: Shutdown does not wait for it,
// and no observer hears of it.
func Local(opts ...Option) *Lock {
	return &Lock{options: newOptions(opts), local: true}
}

var errLocalRegistry = errors.New("WithRegistry: a local lock belongs to no registry")

// localClient stands for the store that local locks have not.
var localClient = &client{features: driver.Features{Fencing: true, FIFO: true, Ordered: true}, lease: concurrent.DefaultLease}

// lookEvery is how often the first in line looks whether the program has dropped the
// Lease that it waits for.
const lookEvery = time.Second

// resolveLocal makes what a local lock has of its own.
func (l *Lock) resolveLocal() (*resolvedLock, error) {
	o := l.options
	if o.registry != nil {
		return nil, causeError{ErrInvalidOption, errLocalRegistry}
	}
	length, renewed := o.terms(localClient.lease)
	if o.maxHold != nil && (!renewed || *o.maxHold < length) {
		return nil, withCause(ErrInvalidOption, errors.New("WithMaxHold is shorter than the lease, 30s where none is set"))
	}
	lo := &localLock{token: uint64(max(1, time.Now().UnixMicro())) << 10}
	l.resolved.CompareAndSwap(nil, &resolvedLock{client: localClient, options: o, local: lo})
	return l.resolved.Load(), nil
}

// leaseLocal gets the lock, or waits in line for it.
func (a *attempt) leaseLocal(rl *resolvedLock) (*lease, error) {
	lo := rl.local
	if l := lo.take(a, rl, nil); l != nil {
		return l, nil
	}
	if !a.waits {
		return nil, ErrLockActive
	}
	w := &localWaiter{look: make(chan struct{}, 1)}
	w.place.Value = w
	lo.mu.Lock()
	lo.queue.Push(&w.place)
	lo.mu.Unlock()
	defer lo.quit(w)
	for {
		if l := lo.take(a, rl, w); l != nil {
			return l, nil
		}
		if err := lo.sleep(a, w); err != nil {
			return nil, err
		}
	}
}

// take makes a lease if the lock is free, for w if it is the first in line, or for who
// finds no line. What is over is ended on the way.
func (lo *localLock) take(a *attempt, rl *resolvedLock, w *localWaiter) *lease {
	now := clock.Now()
	lo.mu.Lock()
	for lo.holder != nil && (lo.holder.deadline.Passed(now) || lo.holder.collected()) {
		holder := lo.holder
		lo.mu.Unlock()
		holder.expire()
		lo.mu.Lock()
	}
	defer lo.mu.Unlock()
	first := lo.queue.First()
	if lo.holder != nil || lo.kept && now.Mono < lo.until || first != nil && (w == nil || first.Value != w) {
		return nil
	}
	length, renewed := rl.options.terms(rl.client.lease)
	lo.token++
	lo.kept = false
	l := &lease{resolvedLock: rl, token: lo.token, got: now, who: a.who, length: length, renewed: renewed, claimed: true}
	l.setLocalEnd(now)
	lo.holder = l
	return l
}

// setLocalEnd begins the lease at now: of one that is renewed there is no end but that
// of WithMaxHold.
func (l *lease) setLocalEnd(now clock.Instant) {
	use := l.length
	if l.renewed {
		use = Forever
	}
	l.term = term.Granted(term.Request{Sent: now, Length: use, Use: use})
	l.updateDeadline()
}

// sleep waits until w is to look again: at the end of what it waits for, when it is
// told, or not at all if its wait is over.
func (lo *localLock) sleep(a *attempt, w *localWaiter) error {
	timer := time.NewTimer(min(lo.next(w), a.left()))
	defer timer.Stop()
	select {
	case <-w.look:
	case <-timer.C:
		if a.left() <= 0 {
			return ErrLockActive
		}
	case <-a.ctx.Done():
		return withCause(ErrLockActive, ended(a.ctx))
	}
	return nil
}

// next returns how long it is until w, if it is the first, may find the lock free.
func (lo *localLock) next(w *localWaiter) time.Duration {
	now := clock.Now()
	lo.mu.Lock()
	defer lo.mu.Unlock()
	if lo.queue.First() == nil || lo.queue.First().Value != w {
		return Forever
	}
	d := Forever
	if lo.kept {
		d = time.Duration(lo.until - now.Mono)
	}
	if lo.holder != nil {
		d = min(d, lo.holder.deadline.Remaining(now), lookEvery)
	}
	return max(d, 1)
}

// quit takes w out of the line.
func (lo *localLock) quit(w *localWaiter) {
	lo.mu.Lock()
	defer lo.mu.Unlock()
	lo.queue.Remove(&w.place)
	lo.wake()
}

// releaseLocal ends l's hold on the lock, or leaves it held by nobody for as long as
// the options say.
func (l *lease) releaseLocal(u use, now clock.Instant) {
	o, left := l.options, l.minHoldLeft(now)
	switch {
	case u == unused:
		l.local.leave(l, false, 0)
	case o.keep, o.keepOnSuccess && u == succeeded:
		l.local.leave(l, true, l.localEnd())
	default:
		l.local.leave(l, left > 0, deadline.After(now, left).Mono)
	}
}

// localEnd is when the lease ends for others: a holder stops a margin before.
func (l *lease) localEnd() int64 {
	l.local.mu.Lock()
	defer l.local.mu.Unlock()
	return l.deadline.End().Mono + int64(deadline.Margin(l.length))
}

// extendLocal makes the lease end d from now. extending is held.
func (l *lease) extendLocal(d time.Duration) {
	l.local.mu.Lock()
	l.length = d
	l.setLocalEnd(clock.Now())
	l.local.wake()
	l.local.mu.Unlock()
	x := l.extras()
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.ends
	if e == nil {
		return
	}
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	l.watchLocked(e)
}
