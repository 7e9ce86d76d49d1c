package wheel_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
	"github.com/concurrent-go/concurrent/locks/internal/wheel"
)

func TestWallClockJumpIsSeenWithinASecond(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		soon, later, due := overIn(time.Hour), overIn(3*time.Hour), dueIn(time.Hour)
		b.add(soon, later, due)
		time.Sleep(time.Minute + 300*time.Millisecond)
		clock.SkewWall(2 * time.Hour)
		hands, _ := b.after(time.Second)
		if len(hands) != 1 || !slices.Equal(hands[0].over, []*entry{soon}) || hands[0].due != nil {
			t.Fatalf("handed out %v within a second of the jump, want what is over by the wall clock", hands)
		}
		hands, _ = b.after(2 * time.Hour)
		if len(hands) != 1 || hands[0].at != time.Hour || !slices.Equal(hands[0].over, []*entry{later}) || !slices.Equal(hands[0].due, []*entry{due}) {
			t.Errorf("handed out %v, want two entries, each by the clock that says so first", hands)
		}
	})
}

func TestWallClockSetBackDelaysNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.add(overIn(time.Minute), dueIn(time.Minute))
		time.Sleep(10 * time.Second)
		clock.SkewWall(-time.Hour)
		if hands, _ := b.after(time.Hour); len(hands) != 1 || hands[0].at != time.Minute || len(hands[0].over)+len(hands[0].due) != 2 {
			t.Errorf("handed out %v, want both by the monotonic clock", hands)
		}
	})
}

func TestJumpBeforeTheFirstEntryConcernsNone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		gone := dueIn(time.Hour)
		b.add(gone)
		b.locked(func() { b.Remove(gone) })
		time.Sleep(time.Minute)
		clock.SkewWall(time.Hour)
		e := dueIn(time.Hour)
		b.add(e)
		b.after(time.Minute)
		if e.looks != 0 {
			t.Errorf("the wheel looked %d times at an entry that came after the jump", e.looks)
		}
	})
}

// A world is a wheel with entries that come, move and leave at random, and clocks
// that are set: each entry is handed out when it is due and when it is over, to the
// nanosecond, or within a second of the jump that made it so.
type world struct {
	*bench
	rnd    *rand.Rand
	in     map[*entry]*fate
	jumped int64 // when the wall clock last was set, Mono
}

// A fate is what the world knows of an entry.
type fate struct {
	due    int64 // wheel.Forever: it was handed out as due
	end    deadline.End
	placed int64 // when it was put where it is
}

func TestWheelInRandomWorlds(t *testing.T) {
	for seed := range uint64(300) {
		in(t, func(t *testing.T, b *bench) {
			w := &world{bench: b, rnd: rand.New(rand.NewPCG(seed, 1)), in: make(map[*entry]*fate), jumped: -1 << 62}
			for range 100 {
				w.act()
				hands, _ := b.after(time.Duration(1 + w.rnd.Int64N(int64(1)<<w.rnd.IntN(34))))
				w.check(t, hands)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func (w *world) length() time.Duration {
	return time.Duration(w.rnd.Int64N(int64(1) << w.rnd.IntN(36)))
}

// set gives e new moments, and notes them.
func (w *world) set(e *entry) *entry {
	now := clock.Now()
	e.due = now.Mono + int64(w.length())
	e.end.Set(deadline.After(now, w.length()))
	if w.rnd.IntN(4) == 0 {
		e.end.Set(deadline.Never)
	}
	w.in[e] = &fate{e.due, e.end.End(), now.Mono}
	return e
}

// any returns an entry, nil if there is none.
func (w *world) any() *entry {
	all := w.All()
	if len(all) == 0 {
		return nil
	}
	return all[w.rnd.IntN(len(all))]
}

// act does one thing at random.
func (w *world) act() {
	e := w.any()
	what := w.rnd.IntN(20)
	if e == nil {
		what = 19
	}
	w.Lock()
	defer w.Unlock()
	switch now := clock.Now(); what {
	case 0:
		w.jumped = now.Mono
		ahead, back := w.length(), w.length()
		clock.SkewWall((ahead - back).Round(10 * time.Millisecond)) // no jump is too small to be seen
	case 1, 2, 3:
		w.Remove(e)
		delete(w.in, e)
	case 4, 5, 6:
		w.Move(w.set(e), now.Mono)
	case 7, 8:
		next := new(entry)
		next.due, w.in[next] = e.due, w.in[e]
		next.end.Set(e.end.End())
		w.Replace(e, next, now)
		delete(w.in, e)
	default:
		w.Add(w.set(new(entry)), now)
	}
}

// check compares what was handed out, and what was not, with the fates.
func (w *world) check(t *testing.T, hands []hand) {
	for _, h := range hands {
		at := w.began + int64(h.at)
		for _, e := range h.over {
			f := w.in[e]
			delete(w.in, e)
			w.checkOver(t, f, at)
		}
		for _, e := range h.due {
			f := w.in[e]
			if f == nil || max(f.due, f.placed+1) != at {
				t.Errorf("due at %v: %+v", h.at, f)
				return
			}
			f.due, f.placed = wheel.Forever, at
		}
	}
	now := clock.Now()
	for e, f := range w.in {
		if late := f.placed < now.Mono && f.due <= now.Mono; late || f.end.Passed(now) && now.Mono-w.jumped > int64(time.Second) {
			t.Errorf("at %v not handed out: %+v, looked at %d times", time.Duration(now.Mono-w.began), f, e.looks)
		}
	}
	if all := w.All(); len(all) != len(w.in) || slices.ContainsFunc(all, func(e *entry) bool { return w.in[e] == nil }) {
		t.Errorf("%d entries are in the wheel, want %d", len(all), len(w.in))
	}
}

// checkOver complains unless an entry was over at the given moment, and not before.
func (w *world) checkOver(t *testing.T, f *fate, at int64) {
	if f == nil {
		t.Error("over, and not in the wheel")
		return
	}
	now := clock.Now()
	now.Wall -= now.Mono - at // the clock is set between two sleeps only
	now.Mono = at
	var d deadline.Deadline
	d.Set(f.end)
	exact := max(d.Mono(now), f.placed+1)
	if at < exact || at > exact && at-w.jumped > int64(time.Second) {
		t.Errorf("over at %v, %v late: %+v", time.Duration(at-w.began), time.Duration(at-exact), f)
	}
}

func TestWheelIsSafeForConcurrentUse(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for g := range 4 {
			go func() {
				for i := range 100 {
					e := dueIn(time.Duration(i*g) * time.Millisecond)
					b.add(e)
					time.Sleep(time.Millisecond)
					b.locked(func() { b.Remove(e) })
				}
			}()
		}
		b.after(time.Minute)
		if n := len(b.All()); n != 0 {
			t.Errorf("%d entries are left", n)
		}
		synctest.Wait()
	})
}
