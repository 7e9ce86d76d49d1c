package waitline_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
)

// A model is one line as it is described: a list of waiters, searched anew after
// every change.
type model struct {
	mode    driver.Mode
	waiters []*waiter
	asking  []*waiter
	granted bool // somebody was
	holder  int  // 0: none
	stored  int64
}

// settle has those ask who are to, and returns them in order.
func (m *model) settle() (woken []*waiter) {
	width := 1
	switch {
	case m.mode == driver.Shared && m.granted:
		width = len(m.waiters)
	case m.granted && m.mode != driver.Exclusive:
		width = m.mode.Slots()
	}
	waits := m.holder != 0 && clock.Mono()-m.stored < int64(waitline.HandOffFor)
	for _, w := range m.waiters {
		if !waits && len(m.asking) < width && !slices.Contains(m.asking, w) {
			m.asking = append(m.asking, w)
			woken = append(woken, w)
		}
	}
	if len(m.waiters) == 0 && m.holder == 0 {
		m.granted = false // the next line is a new one
	}
	return woken
}

func (m *model) leave(w *waiter) {
	is := func(o *waiter) bool { return o == w }
	m.waiters, m.asking = slices.DeleteFunc(m.waiters, is), slices.DeleteFunc(m.asking, is)
}

// A world is a line and its model, which do the same at random.
type world struct {
	model
	rnd    *rand.Rand
	lines  *lines
	line   *line
	leases int // how many there have been
	all    []*waiter
}

func TestLineInRandomWorlds(t *testing.T) {
	modes := []driver.Mode{driver.Exclusive, driver.Exclusive, driver.Shared, driver.Slots(3)}
	for seed := range uint64(2000) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{rnd: rand.New(rand.NewPCG(seed, 1)), lines: waitline.New[string, int]()}
			w.mode = modes[seed%4]
			for range 60 {
				want := w.act(t)
				w.check(t, want)
				if t.Failed() {
					t.Fatalf("seed %d, mode %v", seed, w.mode)
				}
			}
			w.lines.Close() // no timer outlives the test
		})
	}
}

// act does one thing, and returns what each waiter is to be told by it.
func (w *world) act(t *testing.T) map[*waiter]notice {
	want := make(map[*waiter]notice)
	switch w.rnd.IntN(8) {
	case 0, 1, 2:
		w.join(t, want)
	case 3, 4:
		w.grant()
	case 5:
		if len(w.waiters) > 0 {
			one := w.waiters[w.rnd.IntN(len(w.waiters))]
			w.line.Quit(one)
			w.leave(one)
		}
	case 6:
		w.end(t, want)
	case 7:
		time.Sleep(time.Duration(w.rnd.Int64N(int64(waitline.HandOffFor))))
		synctest.Wait()
	}
	for _, one := range w.settle() {
		want[one] = toAsk()
	}
	return want
}

func (w *world) join(t *testing.T, want map[*waiter]notice) {
	one, ln, ask := join(w.lines, w.mode)
	w.line = ln
	w.all = append(w.all, one)
	w.waiters = append(w.waiters, one)
	asks := slices.Contains(w.settle(), one)
	if ask != asks {
		t.Errorf("the new waiter is to ask: %v, want %v", ask, asks)
	}
	want[one] = notice{} // it has its answer
}

// grant has the store grant what one of those who ask asked for.
func (w *world) grant() {
	if len(w.asking) == 0 {
		return
	}
	one := w.asking[w.rnd.IntN(len(w.asking))]
	lease, lost := 0, w.rnd.IntN(4) == 0
	if w.mode == driver.Exclusive && w.rnd.IntN(4) > 0 {
		w.leases++
		lease = w.leases
	}
	w.line.Granted(one, lease, stored(), func() bool { return !lost })
	w.granted = true
	w.leave(one)
	if lease != 0 && !lost {
		w.holder, w.stored = lease, stored()
	}
}

// end has the holder hand its lease on if it can, and leave if not.
func (w *world) end(t *testing.T, want map[*waiter]notice) {
	if w.holder == 0 {
		return
	}
	next := w.leases + 1
	may := w.rnd.IntN(4) > 0
	can := may && len(w.waiters) > 0 && !slices.Contains(w.asking, w.waiters[0])
	if !may {
		next = 0
	}
	if got := w.line.HandOff(w.holder, to(next)); got != can {
		t.Errorf("handed on: %v, want %v", got, can)
	}
	if !can {
		w.line.Leave(w.holder)
		w.holder = 0
		return
	}
	w.leases, w.holder = next, next
	want[w.waiters[0]] = handed(next)
	w.leave(w.waiters[0])
}

// check compares the line with the model.
func (w *world) check(t *testing.T, want map[*waiter]notice) {
	for i, one := range w.all {
		hears(t, i, one, want[one])
	}
	if holder, ok := w.lines.Holder(key); w.mode == driver.Exclusive && (holder != w.holder || ok != (w.holder != 0)) {
		t.Errorf("the holder is %d, want %d", holder, w.holder)
	}
	if empty := w.lines.Empty(key, w.mode); empty != (len(w.waiters) == 0 && w.holder == 0) {
		t.Errorf("the line is empty: %v; %d wait, and %d holds", empty, len(w.waiters), w.holder)
	}
}

// A crowd contends for one key of a store: each in turn gets it, by itself or from
// the one before, and never two together.
func TestCrowdHasOneHolderAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := contest{lines: waitline.New[string, int](), store: make(chan struct{}, 1)}
		var crowd sync.WaitGroup
		for range 50 {
			crowd.Go(func() {
				for range 20 {
					c.contend(t)
				}
			})
		}
		crowd.Wait()
		if c.turns != 1000 || !c.lines.Empty(key, driver.Exclusive) {
			t.Errorf("%d turns, want 1000, and a line that is empty: %v", c.turns, c.lines.Empty(key, driver.Exclusive))
		}
		if c.handed < 500 {
			t.Errorf("%d of %d leases were handed on, want most", c.handed, c.turns)
		}
	})
}

// A contest is a store with one key, and what its holder alone writes.
type contest struct {
	lines                  *lines
	store                  chan struct{} // is full while the key is held
	leases                 atomic.Int64
	holders, turns, handed int
}

func (c *contest) lease() int { return int(c.leases.Add(1)) }

// contend takes one turn.
func (c *contest) contend(t *testing.T) {
	w, ln, ask := join(c.lines, driver.Exclusive)
	var got notice
	if !ask {
		got = <-w.Notice
	}
	if got.Turn != waitline.Handed {
		c.store <- struct{}{}
		got.Lease = c.lease()
		ln.Granted(w, got.Lease, stored(), yes)
	} else {
		c.handed++
	}
	c.turns++
	c.holders++
	if c.holders != 1 {
		t.Errorf("%d hold the key", c.holders)
	}
	time.Sleep(time.Millisecond)
	c.holders--
	if !ln.HandOff(got.Lease, func(_ string, stored int64) int {
		if clock.Mono()-stored >= int64(waitline.HandOffFor) {
			return 0
		}
		return c.lease()
	}) {
		ln.Leave(got.Lease)
		<-c.store
	}
}
