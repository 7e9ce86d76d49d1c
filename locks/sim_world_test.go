package locks

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// A world is one run of the simulation: a server, processes that reach it over
// a network, people who use locks there, and what goes wrong. It lives in the
// virtual time of a synctest bubble and follows from its seed.
//
// One goroutine, the runner, does everything that is not the code under test:
// it carries messages, is the server, tells the actors when to go on, and
// breaks things. It does one thing at a time, from an agenda, and before each it
// waits until every other goroutine of the bubble is blocked. Goroutines hand
// it what they want through an inbox, and what came there at one moment is
// sorted before it is looked at. So all of chance comes from one source of
// numbers, which is drawn from in one order, whatever the scheduler does.
//
// What the scheduler may still choose is the order of what the code under test
// itself does at one nanosecond: of two of its timers that go off together, of
// the goroutines that one reply wakes, of a map's keys.
type world struct {
	t             *testing.T
	seed          uint64
	random        *rand.Rand // the runner's alone
	began         time.Time
	over          context.Context // ends with the world
	end           context.CancelFunc
	climate       climate
	pace          time.Duration // how long a message takes at most, if it is not slow
	slowObservers bool          // were slow at some time
	ending        atomic.Bool   // the runner is at its end

	server    *server
	suspended atomic.Int64 // for how long the machine of the processes was, in all
	processes []*process
	agenda    agenda
	inbox     inbox
	story     story
	checks    *checks

	actors int // whose life is not over yet
	born   int
}

// A climate is what the faults of a world are like.
type climate struct {
	loss                          float64 // how likely a message is lost
	slow                          float64 // how likely one takes up to two seconds
	repeats                       float64 // how likely a request arrives twice
	lying                         float64 // how likely one leaves late
	panics                        float64 // how likely a driver panics
	hangs                         float64 // how likely it goes on for long when its context has ended
	observerPanics, observerHangs float64
	breaking                      bool // the server loses its data, and locks are broken
	jumps                         bool // the machine of the processes is suspended
	grid                          time.Duration
}

// onGrid reports whether everything in a world happens at moments of a grid, as in
// every fourth: there a wait ends as the lock comes, a lease as it is given back.
// The runner does not wait for the others then before it does what is due, so who
// is first is the scheduler's choice: such a world need not take the same course
// again.
func onGrid(seed uint64) bool { return seed%4 == 0 }

const grid = 2 * time.Millisecond

func newWorld(t *testing.T, seed uint64, jumps bool) *world {
	// Renewals are due at round moments of a clock that began with this process:
	// a world begins at a round one too.
	const round = 1 << 32
	time.Sleep(time.Duration(round - (clock.Now().Mono%round+round)%round))
	w := &world{
		t: t, seed: seed, began: time.Now(), random: rand.New(rand.NewPCG(seed, 0)),
	}
	w.over, w.end = context.WithCancel(context.Background())
	w.inbox.wake = make(chan struct{}, 1)
	w.climate = climate{
		loss:           []float64{0, 0.02, 0.1, 0.3}[w.random.IntN(4)],
		slow:           []float64{0, 0.05, 0.2}[w.random.IntN(3)],
		repeats:        []float64{0, 0, 0.1}[w.random.IntN(3)],
		lying:          []float64{0, 0, 0.3}[w.random.IntN(3)],
		panics:         []float64{0, 0, 0, 0.03}[w.random.IntN(4)],
		hangs:          []float64{0, 0, 0, 0.05}[w.random.IntN(4)],
		observerPanics: []float64{0, 0, 0, 0.05}[w.random.IntN(4)],
		observerHangs:  []float64{0, 0, 0, 0.1}[w.random.IntN(4)],
		breaking:       w.random.IntN(3) == 0,
		jumps:          jumps,
		grid:           1,
	}
	if onGrid(seed) {
		w.climate.grid = grid
	}
	w.pace = []time.Duration{10 * time.Millisecond, 10 * time.Millisecond, time.Millisecond}[w.random.IntN(3)]
	w.slowObservers = w.climate.observerHangs > 0
	w.checks = newChecks(w)
	w.server = newServer(w)
	return w
}

func (w *world) now() time.Duration { return time.Since(w.began) }

// upTo returns a random duration below d.
func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(d))).Truncate(w.climate.grid)
}

func (w *world) between(low, high time.Duration) time.Duration {
	return (low + w.upTo(high-low)).Truncate(w.climate.grid)
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.random.IntN(n) == 0 }

// in puts do on the agenda. The runner calls it, as it calls do.
func (w *world) in(d time.Duration, do func()) { w.agenda.add(w.now()+d, do) }

// settle waits until nobody moves, and looks around.
func (w *world) settle() {
	synctest.Wait()
	if w.inbox.admit() {
		synctest.Wait()
	}
	w.checks.look()
}

// run lets the world go on for d.
func (w *world) run(d time.Duration) {
	until := w.now() + d
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		if w.climate.grid == 1 || w.agenda.next() > w.now() {
			w.settle()
		}
		next, now := min(w.agenda.next(), until), w.now()
		switch {
		case w.agenda.next() <= now:
			w.agenda.pop()()
			continue
		case now >= until:
			return
		}
		timer.Reset(next - now)
		select {
		case <-timer.C:
		case <-w.inbox.wake:
		}
	}
}
