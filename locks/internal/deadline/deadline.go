// Package deadline says until when a holder may count on its lease, on the
// monotonic and on the wall clock.
package deadline

import (
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// Forever is the length of a lease without end.
const Forever time.Duration = 1<<63 - 1

// never is a moment that no clock reaches.
const never = int64(1) << 62

// longest is how far a deadline lies ahead at most, but of a lease without end:
// 73 years, so that no sum with the time of day overflows.
const longest = time.Duration(1) << 61

// Margin is how much earlier than the store the holder takes its lease to end:
// one percent for clocks that run at different rates, and two milliseconds.
func Margin(length time.Duration) time.Duration { return length/100 + 2*time.Millisecond }

// Usable is how much of a lease of the given length its holder has.
func Usable(length time.Duration) time.Duration { return min(length-Margin(length), longest) }

// An End is a deadline on both clocks, in nanoseconds: see clock.Instant.
type End struct{ Mono, Wall int64 }

// Never is the end of what does not end by itself.
var Never = End{never, never}

// After returns the moment d after from; Never for Forever.
func After(from clock.Instant, d time.Duration) End {
	if d == Forever {
		return Never
	}
	d = min(d, longest)
	return End{from.Mono + int64(d), from.Wall + int64(d)}
}

// Of returns the end of a lease of the given length that is counted from sent,
// for its holder.
func Of(sent clock.Instant, length time.Duration) End {
	if length == Forever {
		return Never
	}
	return After(sent, Usable(length))
}

// Earlier returns the earlier of both ends, on each clock.
func (e End) Earlier(other End) End {
	return End{min(e.Mono, other.Mono), min(e.Wall, other.Wall)}
}

// Passed reports whether e is past on either clock.
func (e End) Passed(now clock.Instant) bool { return now.Mono >= e.Mono || now.Wall >= e.Wall }

// A Deadline is an End that can be moved while others look at it. They look
// without a lock: who sees one clock moved and the other not sees a deadline that
// is true of the earlier End.
type Deadline struct{ mono, wall atomic.Int64 }

// Set moves d.
func (d *Deadline) Set(e End) {
	d.mono.Store(e.Mono)
	d.wall.Store(e.Wall)
}

// End returns where d is.
func (d *Deadline) End() End { return End{d.mono.Load(), d.wall.Load()} }

// Passed reports whether d is past on either clock.
func (d *Deadline) Passed(now clock.Instant) bool {
	return now.Mono >= d.mono.Load() || now.Wall >= d.wall.Load()
}

// Remaining returns how long it is until d, 0 if it is past, Forever if d never
// comes.
func (d *Deadline) Remaining(now clock.Instant) time.Duration {
	e := d.End()
	if e.Mono >= never {
		return Forever
	}
	return max(0, time.Duration(min(e.Mono-now.Mono, e.Wall-now.Wall)))
}

// Mono returns when d comes on the monotonic clock if the wall clock stands to it
// as it does at seen: where the wall clock ran ahead, its deadline comes first.
func (d *Deadline) Mono(seen clock.Instant) int64 {
	e := d.End()
	if e.Mono >= never {
		return never
	}
	return min(e.Mono, e.Wall-(seen.Wall-seen.Mono))
}
