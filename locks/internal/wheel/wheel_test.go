package wheel_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
	"github.com/concurrent-go/concurrent/locks/internal/wheel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An entry is due at one moment and over at another, on two clocks.
type entry struct {
	node  wheel.Node[*entry]
	due   int64 // Mono
	end   deadline.Deadline
	looks int
}

func (e *entry) Node() *wheel.Node[*entry] { return &e.node }

func (e *entry) Next(now int64, seen clock.Instant) int64 {
	return max(now+1, min(e.due, e.end.Mono(seen)))
}

func (e *entry) Look(now clock.Instant) wheel.Verdict {
	e.looks++
	switch {
	case e.end.Passed(now):
		return wheel.Over
	case e.due <= now.Mono:
		e.due = wheel.Forever
		return wheel.Due
	}
	return wheel.Keep
}

// dueIn returns an entry that is never over, and overIn one that is never due.
func dueIn(d time.Duration) *entry {
	e := &entry{due: clock.Mono() + int64(d)}
	e.end.Set(deadline.Never)
	return e
}

func overIn(d time.Duration) *entry {
	e := &entry{due: wheel.Forever}
	e.end.Set(deadline.After(clock.Now(), d))
	return e
}

// A hand is what a wheel handed out at one time.
type hand struct {
	at        time.Duration // since the test began
	over, due []*entry
}

// A bench is a wheel and what it handed out.
type bench struct {
	*wheel.Wheel[*entry]
	began int64
	mu    sync.Mutex
	hands []hand // those with nothing too
}

func in(t *testing.T, f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{began: clock.Mono()}
		b.Wheel = wheel.New(func(over, due []*entry) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.hands = append(b.hands, hand{time.Duration(clock.Mono() - b.began), over, due})
		})
		defer clock.SkewWall(0)
		defer b.Stop()
		f(t, b)
	})
}

func (b *bench) add(es ...*entry) {
	b.Lock()
	defer b.Unlock()
	for _, e := range es {
		b.Add(e, clock.Now())
	}
}

// locked calls f with the wheel locked.
func (b *bench) locked(f func()) {
	b.Lock()
	defer b.Unlock()
	f()
}

// after returns what was handed out when so much time has passed, for nothing
// left out, and how often the timer fired.
func (b *bench) after(d time.Duration) (hands []hand, fired int) {
	time.Sleep(d)
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	fired, hands = len(b.hands), b.hands
	b.hands = nil
	return slices.DeleteFunc(hands, func(h hand) bool { return len(h.over)+len(h.due) == 0 }), fired
}

func TestGrainIsAPowerOfTwo(t *testing.T) {
	for _, test := range []struct {
		length time.Duration
		want   int64
	}{{0, 1}, {63, 1}, {64, 1}, {127, 1}, {128, 2}, {191, 2}, {256, 4}, {64 << 20, 1 << 20}, {64<<20 - 1, 1 << 19}} {
		if got := wheel.Grain(test.length); got != test.want {
			t.Errorf("the grain of %d is %d, want %d", test.length, got, test.want)
		}
	}
	if hour := wheel.Grain(time.Hour); wheel.Grain(deadline.Forever) != hour || hour > int64(time.Hour)/64 {
		t.Errorf("the grain grows from %d, of an hour, to %d", hour, wheel.Grain(deadline.Forever))
	}
}

func TestWheelFiresInOrderOfMoment(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		const n = 900
		byMoment := make([]*entry, n)
		for i := range byMoment {
			byMoment[i] = dueIn(time.Duration(i+1) * time.Millisecond)
		}
		for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(n) {
			b.add(byMoment[i])
		}
		hands, fired := b.after(n * time.Millisecond)
		if len(hands) != n || fired != n {
			t.Fatalf("%d moments, and the one timer fired %d times, want %d", len(hands), fired, n)
		}
		for i, h := range hands {
			if at := time.Duration(i+1) * time.Millisecond; h.at != at || len(h.due) != 1 || h.due[0] != byMoment[i] {
				t.Fatalf("moment %d came at %v with %d entries, want %v with its own", i, h.at, len(h.due), at)
			}
		}
	})
}

func TestWheelHandsOutTogetherWhatComesTogether(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var due, over []*entry
		for range 1000 {
			due, over = append(due, dueIn(time.Minute)), append(over, overIn(time.Minute))
		}
		b.add(due...)
		b.add(over...)
		hands, fired := b.after(time.Minute)
		if len(hands) != 1 || !slices.Equal(hands[0].due, due) || !slices.Equal(hands[0].over, over) {
			t.Errorf("handed out %d times, want all together", len(hands))
		}
		if fired > 61 {
			t.Errorf("the timer fired %d times in a minute", fired)
		}
	})
}

func TestVerdictsDecideWhoStays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		kept, due, over := dueIn(2*time.Hour), dueIn(time.Minute), overIn(time.Minute)
		both := overIn(time.Minute)
		both.due = due.due
		b.add(kept, due, over, both)
		hands, _ := b.after(time.Minute)
		if len(hands) != 1 || !slices.Equal(hands[0].due, []*entry{due}) || !slices.Equal(hands[0].over, []*entry{over, both}) {
			t.Errorf("handed out %v, want one as due and two as over", hands)
		}
		b.locked(func() {
			if !b.Has(kept) || !b.Has(due) || b.Has(over) || b.Has(both) {
				t.Error("who is due stays in the wheel, and who is over leaves it")
			}
		})
		if n := len(b.All()); n != 2 {
			t.Errorf("%d entries, want two", n)
		}
		if kept.looks != 0 {
			t.Errorf("the wheel looked %d times at what has hours left", kept.looks)
		}
	})
}

func TestEntryOfThePastComesAtOnce(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.add(dueIn(-time.Hour), overIn(-time.Hour))
		if hands, _ := b.after(time.Nanosecond); len(hands) != 1 || len(hands[0].due) != 1 || len(hands[0].over) != 1 {
			t.Errorf("handed out %v, want both", hands)
		}
	})
}

func TestMovedEntryComesAtItsNewMoment(t *testing.T) {
	for _, to := range []time.Duration{time.Second, time.Hour} {
		in(t, func(t *testing.T, b *bench) {
			e, other := dueIn(time.Minute), dueIn(2*time.Hour)
			b.add(other, e)
			b.locked(func() {
				e.due = dueIn(to).due
				b.Move(e, clock.Mono())
			})
			hands, _ := b.after(90 * time.Minute)
			if len(hands) != 1 || hands[0].at != to {
				t.Errorf("handed out %v, want once at %v", hands, to)
			}
		})
	}
}

func TestMoveAndRemoveLeaveStrangersAlone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		stranger := dueIn(time.Minute)
		b.locked(func() {
			b.Move(stranger, clock.Mono())
			b.Remove(stranger)
			if b.Has(stranger) {
				t.Error("Move put an entry into the wheel")
			}
		})
		e := dueIn(time.Minute)
		b.add(e)
		b.locked(func() { b.Remove(e); b.Remove(e) })
		if hands, fired := b.after(time.Hour); len(hands) != 0 || fired > 2 { // for the tick, and for the moment that it knew
			t.Errorf("an empty wheel fired %d times and handed out %v", fired, hands)
		}
	})
}

func TestReplacedEntryHandsItsMomentOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		es := []*entry{dueIn(time.Minute), dueIn(time.Minute), dueIn(time.Minute)}
		b.add(es...)
		next, more := dueIn(time.Minute), dueIn(time.Minute)
		b.locked(func() {
			b.Replace(es[1], next, clock.Now())
			b.Replace(es[1], more, clock.Now()) // the old one is in no wheel any more: added
			if b.Has(es[1]) || !b.Has(next) || !b.Has(more) {
				t.Error("the old entry is in the wheel, or a new one is not")
			}
			b.Remove(es[0])
		})
		hands, _ := b.after(time.Minute)
		if len(hands) != 1 || len(hands[0].due) != 3 || slices.Contains(hands[0].due, es[1]) || slices.Contains(hands[0].due, es[0]) {
			t.Errorf("handed out %v, want three entries and not the old ones", hands)
		}
	})
}

func TestEmptyTakesOutAllEntries(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		es := []*entry{dueIn(time.Minute), dueIn(time.Hour), overIn(time.Minute)}
		b.add(es...)
		if got := b.Empty(); len(got) != 3 || len(b.All()) != 0 {
			t.Errorf("%d were taken out and %d are left, want all three out", len(got), len(b.All()))
		}
		b.locked(func() {
			if slices.ContainsFunc(es, b.Has) {
				t.Error("an entry that was taken out takes itself to be in")
			}
		})
		if hands, fired := b.after(2 * time.Hour); len(hands) != 0 || fired > 1 {
			t.Errorf("an empty wheel fired %d times and handed out %v", fired, hands)
		}
		b.add(dueIn(time.Minute))
		if hands, _ := b.after(time.Minute); len(hands) != 1 {
			t.Error("what is added to a wheel that was empty does not come")
		}
	})
}

func TestStoppedWheelStartsWithTheNextEntry(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.Stop() // nothing to stop yet
		b.add(dueIn(time.Minute))
		b.Stop()
		if _, fired := b.after(time.Hour); fired != 0 {
			t.Errorf("the timer fired %d times after Stop", fired)
		}
		b.add(dueIn(time.Minute))
		if hands, _ := b.after(time.Minute); len(hands) != 2 {
			t.Errorf("handed out %v, want the entry that was overdue, and the one added after Stop", hands)
		}
	})
}
