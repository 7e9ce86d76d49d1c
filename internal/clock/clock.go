// Package clock reads the monotonic and the wall clock together.
//
// Go's monotonic clock stands still while the machine is suspended
// (golang/go#24595), and the wall clock can be set. A lease therefore counts
// as ended when either clock says so.
package clock

import (
	"sync/atomic"
	"time"
)

// An Instant is one moment on both clocks, in nanoseconds: Mono since this
// package was initialised, Wall since 1970. Only the differences of Mono mean
// anything.
type Instant struct{ Mono, Wall int64 }

var (
	base = time.Now()
	skew atomic.Int64
)

// Mono returns Now().Mono at half the cost.
func Mono() int64 { return int64(time.Since(base)) }

// Now returns the present moment.
func Now() Instant { return At(time.Now()) }

// At returns the moment that t, which came from time.Now, stands for.
func At(t time.Time) Instant {
	return Instant{Mono: int64(t.Sub(base)), Wall: t.UnixNano() + skew.Load()}
}

// Later returns the present moment, which is a short time after i as a rule.
// Within a millisecond of it by the monotonic clock it does not read the wall
// clock, which costs as much again, but takes it to have run as far: a jump in
// between is seen by whoever looks next.
func (i Instant) Later() Instant {
	mono := Mono()
	if d := mono - i.Mono; d >= 0 && d < int64(time.Millisecond) {
		return Instant{Mono: mono, Wall: i.Wall + d}
	}
	return Now()
}

// Since returns how long i is after earlier, by the clock that says longer.
func (i Instant) Since(earlier Instant) time.Duration {
	return time.Duration(max(i.Mono-earlier.Mono, i.Wall-earlier.Wall))
}

// SkewWall sets what is added to the wall clock of this process as the lease
// core reads it, for tests that set it back or forward.
func SkewWall(d time.Duration) { skew.Store(int64(d)) }
