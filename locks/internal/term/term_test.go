package term_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
	"github.com/concurrent-go/concurrent/locks/internal/term"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = int64(time.Second)

// Monotonic moments are negative in a bubble of testing/synctest.
const offset = -1 << 60

func at(d time.Duration) clock.Instant { return clock.Instant{Mono: int64(d) + offset, Wall: int64(d)} }

func asking(sent, length time.Duration) term.Request {
	return term.Request{Sent: at(sent), Length: length, Use: length}
}

func wantEnd(t *testing.T, tm *term.Term, from, length time.Duration) {
	t.Helper()
	if got, want := tm.Deadline(), deadline.Of(at(from), length); got != want {
		t.Errorf("deadline is %v, want %v", time.Duration(got.Mono), time.Duration(want.Mono))
	}
}

func TestLostShorterRequestCountsAfterALongerOne(t *testing.T) {
	tm := term.Granted(asking(0, 30*time.Second))
	short := tm.Send(asking(time.Second, 1100*time.Millisecond))
	wantEnd(t, &tm, time.Second, 1100*time.Millisecond)
	tm.Lost(short, at(1100*time.Millisecond))
	long := tm.Send(asking(1100*time.Millisecond, 10*time.Second))
	tm.Confirm(long, at(1100*time.Millisecond), at(1200*time.Millisecond), false)
	wantEnd(t, &tm, 1100*time.Millisecond, 1100*time.Millisecond)
	if tm.Settled() || tm.Shortest() != 1100*time.Millisecond || tm.Longest() != 10*time.Second {
		t.Errorf("settled %v, shortest %v, longest %v", tm.Settled(), tm.Shortest(), tm.Longest())
	}
	// After it can travel no more it counts no more.
	late := term.Travel + 2*time.Second
	again := tm.Send(asking(late, 10*time.Second))
	tm.Confirm(again, at(late), at(late), false)
	wantEnd(t, &tm, late, 10*time.Second)
	if !tm.Settled() {
		t.Error("not settled")
	}
}

func TestOrderedStoreForgetsWhatALaterRequestFollowed(t *testing.T) {
	tm := term.Granted(asking(0, 30*time.Second))
	tm.Lost(tm.Send(asking(time.Second, time.Second)), at(2*time.Second))
	tm.Confirm(tm.Send(asking(2*time.Second, 30*time.Second)), at(2*time.Second), at(2*time.Second), true)
	wantEnd(t, &tm, 2*time.Second, 30*time.Second)
	if !tm.Settled() {
		t.Error("not settled")
	}
}

// However many requests come and go while one is under way, each has an ID of its own.
func TestRequestUnderWayKeepsItsID(t *testing.T) {
	t.Parallel()
	tm := term.Granted(asking(0, time.Minute))
	first := tm.Send(asking(time.Second, time.Minute))
	for range 70_000 {
		id := tm.Send(asking(2*time.Second, time.Minute))
		if id == first || id == 0 {
			t.Fatalf("the request has ID %d, the one that is under way %d", id, first)
		}
		tm.Refuse(id)
	}
	tm.Refuse(first)
	if !tm.Settled() {
		t.Error("the first request is not settled")
	}
}

// A driver may keep a request for a while before it leaves: what is not answered yet
// may be later than what was sent after it, on an ordered store too.
func TestOrderedStoreCountsWhatMayNotHaveLeft(t *testing.T) {
	tm := term.Granted(asking(0, 30*time.Second))
	slow := tm.Send(asking(time.Second, 5*time.Second))
	fast := tm.Send(asking(2*time.Second, 30*time.Second))
	tm.Confirm(fast, at(2*time.Second), at(3*time.Second), true)
	wantEnd(t, &tm, 2*time.Second, 5*time.Second)
	tm.Confirm(slow, at(4*time.Second), at(5*time.Second), true)
	wantEnd(t, &tm, 4*time.Second, 5*time.Second)
	if !tm.Settled() {
		t.Error("not settled")
	}
}

func TestRequestsUnderWayTogetherBothCount(t *testing.T) {
	for _, firstAnswered := range []int{0, 1} {
		tm := term.Granted(asking(0, time.Minute))
		ids := []term.ID{tm.Send(asking(time.Second, time.Minute)), tm.Send(asking(2*time.Second, 5*time.Second))}
		sent := []time.Duration{time.Second, 2 * time.Second}
		tm.Confirm(ids[firstAnswered], at(sent[firstAnswered]), at(3*time.Second), false)
		tm.Confirm(ids[1-firstAnswered], at(sent[1-firstAnswered]), at(4*time.Second), false)
		wantEnd(t, &tm, 2*time.Second, 5*time.Second)
		if tm.Settled() || tm.Longest() != time.Minute {
			t.Errorf("settled %v, longest %v: the first may have been carried out last", tm.Settled(), tm.Longest())
		}
		tm.Confirm(tm.Send(asking(5*time.Second, time.Minute)), at(5*time.Second), at(6*time.Second), false)
		wantEnd(t, &tm, 5*time.Second, time.Minute)
	}
}

func TestRefusedRequestIsForgotten(t *testing.T) {
	tm := term.Granted(asking(0, 30*time.Second))
	tm.Refuse(tm.Send(asking(time.Second, time.Second)))
	wantEnd(t, &tm, 0, 30*time.Second)
	if !tm.Settled() {
		t.Error("not settled")
	}
}

func TestCopySharesNothing(t *testing.T) {
	tm := term.Granted(asking(0, 30*time.Second))
	tm.Lost(tm.Send(asking(time.Second, 2*time.Second)), at(2*time.Second))
	before := tm
	tm.Lost(tm.Send(asking(2*time.Second, time.Second)), at(3*time.Second))
	tm.Send(asking(3*time.Second, 500*time.Millisecond))
	if before.Shortest() != 2*time.Second {
		t.Error("a request of the copy is seen")
	}
}

func TestLostRenewalsOfAnOutageAreOne(t *testing.T) {
	tm := term.Granted(asking(0, 30*time.Second))
	for i := range 1000 {
		tm.Lost(tm.Send(asking(time.Duration(i)*time.Millisecond, 30*time.Second)), at(time.Second))
	}
	if n := testing.AllocsPerRun(1, func() { tm.Refuse(tm.Send(asking(time.Second, time.Second))) }); n > 6 {
		t.Errorf("%v allocations for a request after 1000 lost ones", n)
	}
}

// In random worlds, requests of random lengths leave, arrive in any order or
// never, are answered, or given up. Whenever the term says that the holder may
// count on its lease, the store has it.
func TestNoWorldHasAHolderWithoutItsLease(t *testing.T) {
	worlds := 200_000
	if testing.Short() {
		worlds = 20_000
	}
	for seed := range worlds {
		if !play(t, uint64(seed)) {
			return
		}
	}
}

// A message is a request in one world.
type message struct {
	id                        term.ID
	r                         term.Request
	arrives, answers, givesUp int64 // when; 0: it was
}

func play(t *testing.T, seed uint64) bool {
	rnd := rand.New(rand.NewPCG(seed, 1))
	length := func() time.Duration { return time.Duration(1+rnd.IntN(20)) * time.Second }
	first := asking(0, length())
	tm, until := term.Granted(first), int64(first.Length)
	var way []*message
	for now := second / 8; now < 60*second; now += second / 8 {
		if rnd.IntN(16) == 0 && len(way) < 6 {
			r := asking(time.Duration(now), length())
			m := &message{r: r, arrives: now + rnd.Int64N(2*second)}
			if rnd.IntN(4) == 0 {
				m.arrives = now + rnd.Int64N(40*second)
			}
			m.answers, m.givesUp = m.arrives+rnd.Int64N(second), now+rnd.Int64N(4*second)
			m.id = tm.Send(r)
			way = append(way, m)
		}
		slices.SortFunc(way, func(a, b *message) int { return cmp.Compare(a.arrives, b.arrives) })
		for _, m := range way {
			if m.arrives != 0 && m.arrives <= now {
				if until > m.arrives { // else the lease is over, and nothing extends it
					until = m.arrives + int64(m.r.Length)
				}
				m.arrives = 0
			}
		}
		for _, m := range way {
			switch {
			case m.answers == 0:
			case m.answers <= now && m.answers <= m.givesUp:
				tm.Confirm(m.id, m.r.Sent, at(time.Duration(now)), false)
				m.answers = 0
			case m.givesUp <= now:
				tm.Lost(m.id, at(time.Duration(now)))
				m.answers = 0
			}
		}
		if tm.Deadline().Mono-offset <= now {
			return true // its holder gave it up, in time
		}
		if until <= now {
			t.Errorf("seed %d, %v: the holder counts on the lease until %v, the store had it until %v",
				seed, time.Duration(now), time.Duration(tm.Deadline().Mono-offset), time.Duration(until))
			return false
		}
	}
	return true
}
