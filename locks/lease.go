package locks

import (
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// A lease is one grant, from the moment the store gave it until it was given
// back, passed on or lost. It lives once: from held to one of the other states.
type lease struct {
	*binding
	owner string
	token uint64
	spare int32              // how often it may still be passed on
	index int32              // in bucket; guarded by space.schedule.mu
	got   clock.Instant      // when this holder got it
	line  *line              // the line it was got through, or nil
	lock  weak.Pointer[Lock] // whose it is; zero for Do's leases, which can't be collected

	// The local deadline on both clocks. Read without a lock by active; a
	// reader that sees one of them renewed and the other not sees a deadline
	// that is true of the earlier one.
	endMono, endWall atomic.Int64

	state    atomic.Int32
	attempts int32 // failed renewals since the last good one

	mu       sync.Mutex
	cause    *Error      // why it ended, for who holds it
	contexts *cancelable // that end with it, a list

	// Guarded by space.schedule.mu.
	length   time.Duration
	unsure   time.Duration // what an Extend asked for that was not answered in time
	renewAt  int64
	bucket   *bucket
	renewed  bool // is kept alive
	brief    bool // the store was not asked yet to make it as long as it is to be
	inFlight bool // a renewal is under way
}

const (
	held int32 = iota
	over       // released, passed on or lost: cause says which
)

// forever is a deadline that no clock reaches.
const forever = int64(1) << 62

// margin is how much earlier than the store the holder takes its lease to end:
// one percent for clocks that run at different rates, and two milliseconds.
func margin(length time.Duration) time.Duration { return length/100 + 2*time.Millisecond }

// longest is how far a deadline lies ahead at most, but of a lease without end:
// 73 years, so that no sum with the time of day overflows.
const longest = time.Duration(1) << 61

// usable is how much of a lease of the given length its holder has.
func usable(length time.Duration) time.Duration { return min(length-margin(length), longest) }

// setEnd starts the lease of the given length at sent.
func (l *lease) setEnd(sent clock.Instant, length time.Duration) {
	if length == Forever {
		l.endMono.Store(forever)
		l.endWall.Store(forever)
		return
	}
	d := int64(usable(length))
	l.endMono.Store(sent.Mono + d)
	l.endWall.Store(sent.Wall + d)
}

// prolong is setEnd for an answer that may have been overtaken: by the answer to
// a request that left later, after which the lease lasts longer already.
func (l *lease) prolong(sent clock.Instant, length time.Duration) {
	if length == Forever || sent.Mono+int64(usable(length)) > l.endMono.Load() {
		l.setEnd(sent, length)
	}
}

// ended reports whether the local deadline is past on either clock.
func (l *lease) ended(now clock.Instant) bool {
	return now.Mono >= l.endMono.Load() || now.Wall >= l.endWall.Load()
}

// active reports whether the lease is held and its deadline still ahead. It
// compares clocks: timers may be late in a process that was stopped.
func (l *lease) active() bool {
	return l.state.Load() == held && !l.ended(clock.Now())
}

// remaining returns how long the lease lasts if nothing extends it.
func (l *lease) remaining() time.Duration {
	if l.state.Load() != held {
		return 0
	}
	mono := l.endMono.Load()
	if mono == forever {
		return Forever
	}
	now := clock.Now()
	return max(0, time.Duration(min(mono-now.Mono, l.endWall.Load()-now.Wall)))
}

// finish moves the lease from held to over and ends its contexts with cause.
// Only one caller gets true.
func (l *lease) finish(cause *Error) bool {
	l.mu.Lock()
	if !l.state.CompareAndSwap(held, over) {
		l.mu.Unlock()
		return false
	}
	l.cause = cause
	contexts := l.contexts
	l.contexts = nil
	l.mu.Unlock()
	for contexts != nil {
		c := contexts
		contexts = c.next
		c.end(cause)
	}
	return true
}

// lose ends a lease that was not released. It may be called from anywhere.
func (l *lease) lose(cause *Error) bool {
	l.space.schedule.remove(l)
	if !l.finish(cause) {
		return false
	}
	if l.line != nil {
		l.line.leave(l)
	}
	l.space.tell(concurrent.EventLost, l, 0, cause)
	l.space.done()
	return true
}

// expire ends a lease whose deadline is past: with ErrLockExpired if it was to
// end then, else with ErrLockLost.
func (l *lease) expire() {
	if l.renewed {
		l.lose(l.fail("hold", because(ErrLockLost, errNotRenewed)))
	} else {
		l.lose(l.fail("hold", ErrLockExpired))
	}
}

// collected reports whether the Lock that got this lease is gone.
func (l *lease) collected() bool {
	return l.lock != weak.Pointer[Lock]{} && l.lock.Value() == nil
}

// request is what the store is told of this lease.
func (l *lease) request(length time.Duration) driver.Request {
	return driver.Request{Key: l.key, Owner: l.owner, Lease: length, Mode: l.mode, Holder: l.space.holder(l.set)}
}

// fail returns an *Error about this lease's key.
func (l *lease) fail(op string, err error) *Error {
	return l.space.fail(op, l.key, err)
}

// why returns the cause of the end, nil while held.
func (l *lease) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return nil
	}
	return l.cause
}
