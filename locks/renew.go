package locks

import (
	"errors"
	"hash/fnv"
	"math/bits"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/keepalive"
	"github.com/concurrent-go/concurrent/locks/internal/term"
	"github.com/concurrent-go/concurrent/locks/internal/wheel"
)

var errNotRenewed = errors.New("no renewal was confirmed in time")

var (
	_ wheel.Entry[*lease] = (*lease)(nil)
	_ keepalive.Lease     = (*lease)(nil)
)

// Node is the lease's place in the wheel.
func (l *lease) Node() *wheel.Node[*lease] { return &l.node }

// Next returns when l must be looked at after now. A deadline is first looked
// for at the grain before it, which leases share, and only then to the point.
func (l *lease) Next(now int64, seen clock.Instant) int64 {
	end := l.deadline.Mono(seen)
	if l.renewed && l.claimed && !l.inFlight {
		return max(now+1, min(l.renewAt, end))
	}
	g := wheel.Grain(l.length)
	if rough := end &^ (g - 1); rough > now {
		return rough
	}
	return max(now+1, end)
}

// Look says whether l is over, or its renewal due.
func (l *lease) Look(now clock.Instant) wheel.Verdict {
	switch {
	case l.deadline.Passed(now):
		return wheel.Over
	case l.renewed && l.claimed && !l.inFlight && l.renewAt <= now.Mono:
		l.inFlight = true
		return wheel.Due
	}
	return wheel.Keep
}

// period is how often the lease is renewed, times three.
func (l *lease) period() time.Duration {
	if d := l.term.Shortest(); d != Forever && !l.brief {
		return min(d, l.length)
	}
	if l.length != Forever {
		return l.length
	}
	return l.client.checkEvery
}

// firstRenewal is when a lease that left at sent is first renewed: a third of
// its length later, rounded up to the grain.
func (l *lease) firstRenewal(sent int64) int64 {
	period := l.period()
	g := wheel.Grain(period)
	return (sent + int64(period/3) + g - 1) &^ (g - 1)
}

// Class returns a number that leases of about one length share. Brief ones, whatever
// they are to become, have their own.
func (l *lease) Class() int {
	l.client.wheel.Lock()
	defer l.client.wheel.Unlock()
	if l.brief {
		return -1
	}
	return bits.Len64(uint64(l.period()))
}

// Begin sends a renewal, unless the lease is over or nobody has it any more.
func (l *lease) Begin() (driver.Request, time.Duration) {
	if l.state.Load() != held {
		return driver.Request{}, 0
	}
	if l.collected() {
		l.abandon()
		return driver.Request{}, 0
	}
	now := clock.Now()
	l.client.wheel.Lock()
	defer l.client.wheel.Unlock()
	if l.state.Load() != held { // and the store may have its successor's by now
		return driver.Request{}, 0
	}
	ask := l.storeLength(l.length, now.Since(l.got))
	l.renewal = l.term.Send(term.Request{Sent: now, Length: ask, Use: l.length})
	l.updateDeadline()
	left := l.period()
	if l.brief {
		left = l.deadline.Remaining(now)
	}
	return l.request(ask), max(left, 1)
}

// Renewed starts the lease anew, as far as no other request may have been carried
// out later.
func (l *lease) Renewed(sent time.Time, took time.Duration) {
	c := l.client
	now := clock.Now()
	c.wheel.Lock()
	l.inFlight = false
	if l.deadline.Passed(now) { // the answer came too late
		l.term.Lost(l.renewal, now)
		c.wheel.Unlock()
		l.expire()
		return
	}
	brief := l.brief
	l.attempts, l.brief = 0, false
	l.confirm(l.renewal, clock.At(sent), now)
	c.wheel.Unlock()
	c.counts.renewed.Add(1)
	if !brief {
		l.notifyRenewal(concurrent.EventRenewed, took, nil)
	}
}

// confirm notes that a request was carried out. The wheel is locked.
func (l *lease) confirm(id term.ID, sent, now clock.Instant) {
	l.term.Confirm(id, sent, now, l.client.features.Ordered)
	l.updateDeadline()
	l.renewAt = l.firstRenewal(sent.Mono)
	if l.term.Confirmed().Use != l.length {
		l.renewAt = now.Mono // it was changed meanwhile
	}
	l.client.wheel.Move(l, now.Mono)
}

// Failed ends a lease that the store does not know any more, and has others tried
// again soon.
func (l *lease) Failed(err error, took time.Duration) {
	if errors.Is(err, ErrNotHeld) || errors.Is(err, ErrClosed) {
		l.lose(l.fail("renew", withCause(ErrLockLost, err)))
		return
	}
	c := l.client
	now := clock.Now()
	c.wheel.Lock()
	l.inFlight = false
	if isDefinite(err) {
		l.term.Refuse(l.renewal)
	} else {
		l.term.Lost(l.renewal, now)
	}
	l.updateDeadline()
	l.renewAt = now.Mono + int64(l.retryAfter())
	l.attempts = min(l.attempts+1, 20) // no pause is doubled more often
	c.wheel.Move(l, now.Mono)
	c.wheel.Unlock()
	c.counts.renewalsFailed.Add(1)
	l.notifyRenewal(concurrent.EventRenewalFailed, took, err)
}

// notifyRenewal has it told how a renewal ended, unless the lease did before: its end
// is the last that is told of it.
func (l *lease) notifyRenewal(kind concurrent.EventKind, took time.Duration, err error) {
	if l.state.Load() == held {
		l.notifyLater(kind, took, err)
	}
}

// retryAfter doubles from 50 ms to a sixth of the lease, less up to a tenth that
// depends on the key, so that the holders of a store that comes back do not all
// meet there.
func (l *lease) retryAfter() time.Duration {
	d := min(keepalive.LeastCall<<l.attempts, l.period()/6)
	h := fnv.New32a()
	_, _ = h.Write([]byte(l.key)) // never fails
	return d - d/10*time.Duration(h.Sum32()%1024)/1024
}
