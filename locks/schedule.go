package locks

import (
	"container/heap"
	"math/bits"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// A schedule says when each lease of a space must next be looked at: because
// its renewal is due, or its deadline has come. It needs one timer and no
// goroutine. Leases stand in buckets, one for each moment; the moments of
// leases of about one length are rounded to a grain, so that a million leases
// fill some hundred buckets and are renewed together.
type schedule struct {
	space *space

	mu      sync.Mutex
	buckets map[int64]*bucket
	times   times
	last    *bucket // the one used last: most likely the next one too
	count   int
	timer   *time.Timer
	armed   int64 // when timer fires; forever: it does not
	seen    clock.Instant
}

// A bucket is the leases to be looked at at one moment.
type bucket struct {
	at     int64
	leases []*lease
}

// tick is how often a schedule with leases looks at the wall clock, which may
// have jumped: after a suspend, contexts end within a tick of the resume.
const tick = int64(time.Second)

// grain returns the width of the buckets of leases of the given length: the
// largest power of two that is at most a sixty-fourth of it.
func grain(length time.Duration) int64 {
	if length == Forever {
		length = time.Hour
	}
	return int64(1) << max(0, bits.Len64(uint64(length)/64)-1)
}

// firstRenewal is when a lease that left at sent is first renewed: a third of
// its length later, rounded up to the grain.
func (l *lease) firstRenewal(sent int64) int64 {
	period := l.length
	if period == Forever {
		period = l.space.checkEvery
	}
	g := grain(period)
	return (sent + int64(period/3) + g - 1) &^ (g - 1)
}

// next returns when l must be looked at after now. A deadline is first looked
// for at the grain before it, which leases share, and only then to the point.
// seen tells how the two clocks stand to each other: where the wall clock ran
// ahead, its deadline comes first.
func (l *lease) next(now int64, seen clock.Instant) int64 {
	end := l.endMono.Load()
	if end != forever {
		end = min(end, l.endWall.Load()-(seen.Wall-seen.Mono))
	}
	if l.renewed && !l.inFlight {
		return max(now+1, min(l.renewAt, end))
	}
	g := grain(l.length)
	if rough := end &^ (g - 1); rough > now {
		return rough
	}
	return max(now+1, end)
}

// add puts l under watch.
func (s *schedule) add(l *lease, now clock.Instant) {
	s.mu.Lock()
	if l.renewed {
		l.renewAt = l.firstRenewal(now.Mono)
	}
	if s.count == 0 {
		s.seen = now // what the clocks did before concerns no lease
	}
	s.count++
	s.place(l, now.Mono)
	s.mu.Unlock()
}

// remove ends the watch over l; a lease that is not watched is left alone.
func (s *schedule) remove(l *lease) {
	s.mu.Lock()
	if l.bucket != nil {
		l.unplace()
		s.count--
	}
	s.mu.Unlock()
}

// inherit has next watched in the place of l.
func (s *schedule) inherit(l, next *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next.length, next.renewed, next.renewAt = l.length, l.renewed, l.renewAt
	if l.bucket == nil { // nobody watches a lease that is just being ended
		s.count++
		s.place(next, next.got.Mono)
		return
	}
	next.bucket, next.index = l.bucket, l.index
	next.bucket.leases[next.index] = next
	l.bucket = nil
}

// place puts l into the bucket of its next moment. s.mu is held.
func (s *schedule) place(l *lease, now int64) {
	at := l.next(now, s.seen)
	b := s.last
	if b == nil || b.at != at {
		if b = s.buckets[at]; b == nil {
			b = &bucket{at: at}
			s.buckets[at] = b
			heap.Push(&s.times, at)
		}
		s.last = b
	}
	l.bucket, l.index = b, int32(len(b.leases))
	b.leases = append(b.leases, l)
	s.arm(min(at, now+tick), now)
}

// unplace takes l out of its bucket, which stays until its moment comes.
func (l *lease) unplace() {
	b, end := l.bucket, len(l.bucket.leases)-1
	moved := b.leases[end]
	b.leases[l.index] = moved
	moved.index = l.index
	b.leases[end] = nil
	b.leases = b.leases[:end]
	l.bucket = nil
}

// replace moves l to the bucket of its changed moment. s.mu is held.
func (s *schedule) replace(l *lease, now int64) {
	if l.bucket != nil {
		l.unplace()
		s.place(l, now)
	}
}

// arm makes the timer fire at the given moment, if it would fire later. It is
// never set later: firing for nothing once is cheaper than setting it often.
func (s *schedule) arm(at, now int64) {
	if at >= s.armed {
		return
	}
	s.armed = at
	d := time.Duration(at - now)
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.fire)
	} else {
		s.timer.Reset(d)
	}
}

// fire looks at every lease whose moment has come, and at all of them when the
// wall clock has jumped ahead of the monotonic one.
func (s *schedule) fire() {
	now := clock.Now()
	s.mu.Lock()
	s.armed = forever
	leases := s.pop(now.Mono)
	if s.jumped(now) {
		leases = append(leases, s.pop(forever)...)
	}
	var ended, due []*lease
	for _, l := range leases {
		l.bucket = nil
		switch {
		case l.ended(now):
			ended = append(ended, l)
			s.count--
			continue
		case l.renewed && !l.inFlight && l.renewAt <= now.Mono:
			l.inFlight = true
			due = append(due, l)
		}
		s.place(l, now.Mono)
	}
	if s.count > 0 {
		s.arm(now.Mono+tick, now.Mono)
	}
	if len(s.times) > 0 {
		s.arm(s.times[0], now.Mono)
	}
	s.mu.Unlock()
	for _, l := range ended {
		l.expire()
	}
	s.space.renewals.take(due)
}

// pop takes out the leases of all moments up to the given one. s.mu is held.
func (s *schedule) pop(upTo int64) []*lease {
	var leases []*lease
	for len(s.times) > 0 && s.times[0] <= upTo {
		at := heap.Pop(&s.times).(int64)
		leases = append(leases, s.buckets[at].leases...)
		delete(s.buckets, at)
	}
	s.last = nil
	return leases
}

// all returns the leases under watch.
func (s *schedule) all() []*lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	leases := make([]*lease, 0, s.count)
	for _, b := range s.buckets {
		leases = append(leases, b.leases...)
	}
	return leases
}

// jumped reports whether the wall clock ran ahead since the last look.
func (s *schedule) jumped(now clock.Instant) bool {
	seen := s.seen
	s.seen = now
	return now.Wall-seen.Wall > now.Mono-seen.Mono+int64(time.Millisecond)
}

// times is a heap of moments.
type times []int64

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(int64)) }
func (t *times) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}
