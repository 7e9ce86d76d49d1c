package locks

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "run this seed of the simulation only")
	simSeeds = flag.Int("sim.seeds", 3000, "how many seeds of the simulation to run")
)

// seeds hands out the seeds of a test's runs. With -count, the later runs go on
// with a tenth as many of other ones: the race detector keeps some memory of each
// world for ever.
type seeds struct{ next int }

func (s *seeds) some(n int) (first, end int) {
	if s.next > 0 {
		n = max(1, n/10)
	}
	first = s.next + 1
	s.next += n
	return first, s.next + 1
}

var simulated, suspended seeds

// TestSimulation runs the real code of this package in many small worlds.
func TestSimulation(t *testing.T) {
	if *simSeed != 0 {
		replay(t, false)
		return
	}
	const shards = 4
	first, end := simulated.some(*simSeeds)
	for shard := range shards {
		t.Run(fmt.Sprint("shard=", shard), func(t *testing.T) {
			t.Parallel()
			for seed := first + shard; seed < end && !t.Failed(); seed += shards {
				simulate(t, uint64(seed), false)
			}
		})
	}
}

// TestSimulationOfSuspends runs worlds whose processes are on a machine that is
// suspended now and then, which sets the wall clock of this whole test program:
// so one world after another.
func TestSimulationOfSuspends(t *testing.T) {
	if *simSeed != 0 {
		replay(t, true)
		return
	}
	first, end := suspended.some(*simSeeds / 10)
	for seed := first; seed < end && !t.Failed(); seed++ {
		simulate(t, uint64(seed), true)
	}
}

func replay(t *testing.T, jumps bool) {
	for _, line := range simulate(t, *simSeed, jumps).story.lines() {
		t.Log(line)
	}
}

// A failing seed can be run again: a world takes the same course, but for the few
// in which two goroutines do something at the very same nanosecond.
func TestSimulationIsReplayable(t *testing.T) {
	t.Parallel()
	same := 0
	for seed := range uint64(40) {
		if onGrid(seed + 1) {
			continue
		}
		if slices.Equal(simulate(t, seed+1, false).story.lines(), simulate(t, seed+1, false).story.lines()) {
			same++
		}
	}
	if same < 27 {
		t.Errorf("%d of 30 worlds took the same course when they were run again", same)
	}
}

// simulate runs one world.
func simulate(t *testing.T, seed uint64, jumps bool) (w *world) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed, jumps)
		w.live()
	})
	return w
}

const (
	stormTime = 8 * time.Second
	healTime  = 6 * time.Second // slow messages and lost ones are over then
	calmTime  = 4 * time.Second
)

// live is the course of a world: some seconds with faults, a calm, the end.
func (w *world) live() {
	if w.climate.jumps {
		defer clock.SkewWall(0)
	}
	for range 3 {
		w.start(w.random.IntN(kinds))
	}
	for range 16 {
		w.in(w.upTo(stormTime), func() { w.arrive(w.somebody()) })
	}
	for range w.random.IntN(8) {
		w.in(w.upTo(stormTime), w.fault)
	}
	w.run(stormTime)
	w.heal()
	w.run(healTime)
	w.checks.calm = w.now()
	for range 8 {
		w.in(w.upTo(calmTime), func() { w.arrive(w.somebody()) })
	}
	if w.chance(4) {
		w.in(w.upTo(calmTime), func() { w.somebody().remove(w.upTo(3 * time.Second)) })
	}
	w.run(calmTime + 30*time.Second) // longer than anybody is patient and busy
	if w.actors > 0 {
		w.checks.mu.Lock()
		w.checks.wrong("%d actors did not come back", w.actors)
		w.checks.mu.Unlock()
	}
	w.checks.stranded()
	for _, p := range w.processes {
		if p.lives() {
			w.checks.counted(p)
		}
	}
	w.finish()
}

// somebody is a process, preferably one that lives.
func (w *world) somebody() *process {
	for range 10 {
		if p := w.processes[w.random.IntN(len(w.processes))]; p.lives() {
			return p
		}
	}
	return w.start(w.random.IntN(kinds))
}

// fault is something that goes wrong.
func (w *world) fault() {
	p, d := w.somebody(), w.upTo(5*time.Second)
	switch n := w.random.IntN(10); {
	case n < 2:
		w.note(p.name, "is cut off for "+d.String(), "", 0)
		p.cutTo = w.now() + d
	case n < 4:
		w.note(p.name, "is frozen for "+d.String(), "", 0)
		p.cutTo = w.now() + d
		p.thaw.Store(int64(p.cutTo))
	case n == 4:
		w.note(p.name, "loses its connections", "", 0)
		w.server.cutOff(p)
	case n == 5:
		p.crash()
	case n == 6:
		p.shutDown(d / 2)
	case n == 7:
		p.remove(d / 2)
	case w.climate.jumps:
		w.suspend(2 * d)
	case w.climate.breaking && n == 8:
		w.note("server", "loses its data", "", 0)
		w.server.flush()
	case w.climate.breaking:
		key := simKeys[w.random.IntN(len(simKeys))]
		w.note("server", "is broken", key, 0)
		w.server.breaks(w.server.entry(key))
	}
}

// suspend stops the machine of all processes for d: their timers and their
// monotonic clock stand still, the server goes on, and the wall clock is right
// again when they do.
func (w *world) suspend(d time.Duration) {
	w.note("machine", "was suspended for "+d.String(), "", 0)
	clock.SkewWall(time.Duration(w.suspended.Add(int64(d))))
	w.checks.jumped = w.now()
	for _, key := range simKeys {
		w.server.tidy(w.server.entry(key))
	}
}

// heal ends what goes wrong: who is cut off or frozen is so no more, and what
// dead processes hold without end is broken.
func (w *world) heal() {
	w.note("world", "heals", "", 0)
	w.climate = climate{}
	for _, p := range w.processes {
		p.cutTo = min(p.cutTo, w.now())
		p.thaw.Store(int64(p.cutTo))
	}
	w.in(healTime-time.Second, func() {
		for _, key := range simKeys {
			for _, h := range w.server.entry(key).holds {
				if !h.mine() {
					h.end()
				}
			}
			w.server.tidy(w.server.entry(key))
		}
	})
}

// finish ends every process, and the world with it.
func (w *world) finish() {
	w.ending.Store(true)
	for _, p := range w.processes {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if !p.lives() {
			cancel()
		}
		if err := p.registry.Shutdown(ctx); err != nil && p.lives() {
			w.t.Errorf("seed %d: Shutdown of %s, which holds nothing: %v", w.seed, p.name, err)
		}
		cancel()
	}
	w.end()
	synctest.Wait()
}
