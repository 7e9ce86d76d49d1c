package deadline_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = int64(time.Second)

func TestUsableIsTheLengthLessTheMargin(t *testing.T) {
	for _, test := range []struct{ length, margin time.Duration }{
		{0, 2 * time.Millisecond},
		{100 * time.Millisecond, 3 * time.Millisecond},
		{30 * time.Second, 302 * time.Millisecond},
		{time.Hour, 36*time.Second + 2*time.Millisecond},
	} {
		if got := deadline.Margin(test.length); got != test.margin {
			t.Errorf("the margin of %v is %v, want %v", test.length, got, test.margin)
		}
		if got := deadline.Usable(test.length); got != test.length-test.margin {
			t.Errorf("%v of %v are usable, want all but %v", got, test.length, test.margin)
		}
	}
}

func TestEndsOfGreatLengthsLieAhead(t *testing.T) {
	now := clock.Instant{Mono: 5 * second, Wall: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()}
	for _, length := range []time.Duration{deadline.Forever - 1, deadline.Forever / 2, 80 * 365 * 24 * time.Hour} {
		for _, end := range []deadline.End{deadline.After(now, length), deadline.Of(now, length)} {
			var d deadline.Deadline
			d.Set(end)
			left := d.Remaining(now)
			if end.Passed(now) || end == deadline.Never || left == deadline.Forever || left < 70*365*24*time.Hour {
				t.Errorf("a lease of %v ends at %v, %v from now", length, end, left)
			}
		}
	}
}

func TestLeaseWithoutEndHasNone(t *testing.T) {
	now := clock.Instant{Mono: 1 << 60, Wall: 1 << 61}
	for _, end := range []deadline.End{deadline.After(now, deadline.Forever), deadline.Of(now, deadline.Forever)} {
		var d deadline.Deadline
		d.Set(end)
		if end != deadline.Never || d.Passed(now) || d.Remaining(now) != deadline.Forever || d.Mono(now) != deadline.Never.Mono {
			t.Errorf("ends at %v: %v from now, %v on the monotonic clock", end, d.Remaining(now), d.Mono(now))
		}
	}
}

func TestEndIsCountedOnBothClocks(t *testing.T) {
	sent := clock.Instant{Mono: -7 * second, Wall: 1000 * second}
	if got, want := deadline.After(sent, 10*time.Second), (deadline.End{Mono: 3 * second, Wall: 1010 * second}); got != want {
		t.Errorf("ten seconds after %v is %v, want %v", sent, got, want)
	}
	if got, want := deadline.Of(sent, 10*time.Second), deadline.After(sent, deadline.Usable(10*time.Second)); got != want {
		t.Errorf("a lease of ten seconds from %v ends for its holder at %v, want %v", sent, got, want)
	}
}

func TestEarlierTakesEachClockByItself(t *testing.T) {
	a, b := deadline.End{Mono: 1, Wall: 20}, deadline.End{Mono: 2, Wall: 10}
	want := deadline.End{Mono: 1, Wall: 10}
	if a.Earlier(b) != want || b.Earlier(a) != want {
		t.Errorf("the earlier of %v and %v is %v or %v, want %v", a, b, a.Earlier(b), b.Earlier(a), want)
	}
	if deadline.Never.Earlier(a) != a {
		t.Errorf("the earlier of %v and never is %v", a, deadline.Never.Earlier(a))
	}
}

func TestDeadlinePassesOnEitherClock(t *testing.T) {
	end := deadline.End{Mono: 10, Wall: 110}
	for _, test := range []struct {
		name   string
		now    clock.Instant
		passed bool
		left   time.Duration
	}{
		{"long before", clock.Instant{Mono: 3, Wall: 103}, false, 7},
		{"just before", clock.Instant{Mono: 9, Wall: 109}, false, 1},
		{"to the point", clock.Instant{Mono: 10, Wall: 110}, true, 0},
		{"after", clock.Instant{Mono: 30, Wall: 130}, true, 0},
		{"resumed, or set forward", clock.Instant{Mono: 3, Wall: 110}, true, 0},
		{"forward by less", clock.Instant{Mono: 3, Wall: 106}, false, 4},
		{"set back", clock.Instant{Mono: 9, Wall: 1}, false, 1},
		{"set back, after", clock.Instant{Mono: 10, Wall: 1}, true, 0},
	} {
		var d deadline.Deadline
		d.Set(end)
		if d.End() != end || d.Passed(test.now) != test.passed || end.Passed(test.now) != test.passed {
			t.Errorf("%s: passed is %v, of the end %v, want %v", test.name, d.Passed(test.now), end.Passed(test.now), test.passed)
		}
		if got := d.Remaining(test.now); got != test.left {
			t.Errorf("%s: %v remain, want %v", test.name, got, test.left)
		}
	}
}

// In random worlds, whose clocks stand to each other as they did when they were
// last seen, a deadline passes at the moment that Mono tells, and as much before it
// remains as Remaining says.
func TestMonoIsWhenADeadlinePasses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		number := func() int64 { return rnd.Int64N(200) - 100 }
		seen := clock.Instant{Mono: number(), Wall: number()}
		var d deadline.Deadline
		d.Set(deadline.End{Mono: number(), Wall: number()})
		at := d.Mono(seen)
		now := seen
		now.Mono += number()
		now.Wall += now.Mono - seen.Mono
		if d.Passed(now) != (now.Mono >= at) || d.End().Passed(now) != (now.Mono >= at) {
			t.Fatalf("%v, seen %v: at %v it has passed: %v; it was to at %d", d.End(), seen, now, d.Passed(now), at)
		}
		if got := d.Remaining(now); int64(got) != max(0, at-now.Mono) {
			t.Fatalf("%v, seen %v: at %v %d remain, want %d", d.End(), seen, now, got, at-now.Mono)
		}
	}
}

// Those who look while a deadline is moved see what is true of the one before or
// of the one after: neither has passed, so it never seems to have.
func TestDeadlineIsMovedWhileOthersLook(t *testing.T) {
	now := clock.Instant{Mono: 100, Wall: 100}
	var d deadline.Deadline
	d.Set(deadline.End{Mono: 101, Wall: 102})
	over := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if left := d.Remaining(now); d.Passed(now) || left < 1 || left > 2 {
					t.Errorf("passed %v, %d remain, want 1 or 2", d.Passed(now), left)
					return
				}
			}
		})
	}
	for i := range int64(20_000) {
		d.Set(deadline.End{Mono: 101 + i%2, Wall: 102 + i%2})
	}
	close(over)
	looking.Wait()
}
