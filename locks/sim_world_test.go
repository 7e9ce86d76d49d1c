package locks

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// A world is one run of the simulation: a server that keeps its promises, or
// loses its data, and processes that reach it over a network that delays, loses
// and reorders messages. Everything in it follows from its seed and happens in
// the virtual time of a synctest bubble.
type world struct {
	t     *testing.T
	seed  uint64
	began time.Time
	over  context.Context // ends with the world
	end   context.CancelFunc

	rate   float64 // how much longer leases are here than on the server's clock
	loss   float64 // how likely a message is lost
	broken bool    // this server may lose its data

	mu      sync.Mutex
	server  *memory.Store
	epoch   int                 // how often the data was lost
	grants  map[string][]given  // by key, in the order of the server
	holders map[string][]*actor // by key: who believes to hold it
	waiting map[string][]*actor // by key: who waits for it
	entered map[string]uint64   // by key: the token of who was given it last
	free    map[string]time.Time
	trace   []string
	failed  bool
}

// given is a grant as the server knows it.
type given struct {
	token, last uint64 // with the spare ones
	epoch       int
	mode        driver.Mode
	broken      bool // by an administrator
}

func newWorld(t *testing.T, seed uint64) *world {
	// Renewals are due at round moments of a clock that began with this process:
	// a world begins at a round one too.
	const round = 1 << 32
	time.Sleep(time.Duration(round - (clock.Now().Mono%round+round)%round))
	w := &world{
		t: t, seed: seed, began: time.Now(), server: memory.New(), rate: 1,
		grants: make(map[string][]given), holders: make(map[string][]*actor),
		waiting: make(map[string][]*actor), entered: make(map[string]uint64), free: make(map[string]time.Time),
	}
	w.over, w.end = context.WithCancel(context.Background())
	random := w.random("world")
	w.rate = 1 + random.Float64()/100 // clocks run at the same rate within a hundredth
	w.loss = []float64{0, 0.02, 0.1, 0.3}[random.IntN(4)]
	w.broken = random.IntN(4) == 0
	return w
}

// random returns numbers that follow from the seed and what they are for alone,
// whatever else happens at the same moment.
func (w *world) random(what ...any) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, what...)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// loses decides whether a message is lost.
func (w *world) loses(random *rand.Rand) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return random.Float64() < w.loss
}

func (w *world) now() time.Duration { return time.Since(w.began) }

// note adds a line to the story of this world. w.mu is held.
func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%12v ", w.now())+fmt.Sprintf(format, args...))
}

// wrong reports a broken promise. w.mu is held.
func (w *world) wrong(format string, args ...any) {
	if w.failed {
		return // the first is the cause
	}
	w.failed = true
	tail := w.trace
	if *simSeed == 0 {
		tail = tail[max(0, len(tail)-40):]
	}
	w.t.Errorf("seed %d, after %v: %s\nagain: go test ./locks -run 'TestSimulation$' -sim.seed=%d\n%s",
		w.seed, w.now(), fmt.Sprintf(format, args...), w.seed, strings.Join(tail, "\n"))
}

// granted notes what the server granted, and checks the order of its tokens.
func (w *world) granted(key string, mode driver.Mode, g driver.Grant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.grants[key]
	if i := slices.IndexFunc(all, func(o given) bool { return o.token == g.Token }); i >= 0 {
		return // asked for again
	}
	for _, o := range all {
		if o.last >= g.Token && (mode == driver.Exclusive || o.mode == driver.Exclusive) {
			w.wrong("the server granted %s with token %d after %d–%d", key, g.Token, o.token, o.last)
		}
	}
	w.grants[key] = append(all, given{token: g.Token, last: g.Token + uint64(g.Spare), epoch: w.epoch, mode: mode})
}

// origin finds the server's grant of a token. w.mu is held.
func (w *world) origin(key string, token uint64) given {
	if token == 0 { // nobody had it yet
		return given{}
	}
	for _, g := range w.grants[key] {
		if g.token <= token && token <= g.last {
			return g
		}
	}
	w.wrong("%s is held with token %d, which the server never granted", key, token)
	return given{}
}

// breaks has an administrator break a key.
func (w *world) breaks(key string) {
	info, err := w.store().Break(context.Background(), key)
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, driver.ErrNotHeld) {
		return
	}
	for _, h := range info.Holders {
		for i, g := range w.grants[key] {
			if g.token == h.Token {
				w.grants[key][i].broken = true
			}
		}
	}
	w.note("%s broken", key)
}

// flush has the server lose its data.
func (w *world) flush() {
	w.mu.Lock()
	old := w.server
	w.server = memory.New()
	w.epoch++
	w.note("the server lost its data")
	w.mu.Unlock()
	_ = old.Close()
}

func (w *world) store() *memory.Store {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server
}
