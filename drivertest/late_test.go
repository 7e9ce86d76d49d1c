package drivertest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/drivertest"
)

const (
	lateExtend  = "an Extend that was given up shortens no lease that was extended later, where Features says Ordered"
	lateAcquire = "an acquisition that was given up does not come back after its Release, where Features says Ordered"
)

// lateMutants are stores behind a wire that handle it in a wrong way.
var lateMutants = map[string]struct {
	promise string
	manners manners
}{
	"claims an order of extensions that it has not":   {lateExtend, manners{ordered: true}},
	"claims an order of acquisitions that it has not": {lateAcquire, manners{ordered: true}},
	"repeats what may still arrive": {
		"what the driver repeats by itself never brings back a lease after its Release", manners{repeats: true},
	},
	"repeats an extension that may still arrive": {
		"what the driver repeats by itself never shortens a lease that was extended later", manners{repeats: true},
	},
	"applies a late request to whoever holds the key": {
		"a request that arrives late touches no other owner's lease", manners{blind: true},
	},
}

// An honest driver passes: one that knows that its requests may be late, and one
// that sends them all on one connection, where each waits for those before.
func TestTheSuitePassesBehindAWire(t *testing.T) {
	for name, m := range map[string]manners{"any order": {}, "in order": {ordered: true, single: true}} {
		t.Run(name, func(t *testing.T) { drivertest.Run(t, lateHarness(m)) })
	}
}

func lateHarness(m manners) drivertest.Harness {
	h := harness(func(*mutant) {})
	h.Late = func(*testing.T) drivertest.LateBackend {
		w := &wire{manners: m, owners: make(map[string]string)}
		open := h.Backend(nil)
		return drivertest.LateBackend{
			Hold: w.hold,
			Open: func(ctx context.Context) (driver.Store, error) {
				st, err := open(ctx)
				if err != nil {
					return nil, err
				}
				return &wired{Store: st.(*mutant).Store, wire: w}, nil
			},
		}
	}
	return h
}

// manners are what a store does with its requests, and says of them.
type manners struct {
	ordered bool // what Features says
	repeats bool // who is not answered for a while is sent again
	blind   bool // what is late is applied to whoever holds the key
	single  bool // what a store sends while one is held back comes after it
}

// A wire carries requests to memory stores. One can be held back.
type wire struct {
	manners

	mu     sync.Mutex
	armed  bool
	gate   chan struct{}  // closed when what is held back may go on; nil: nothing is
	from   *wired         // who sent it
	last   chan struct{}  // closed when the last one that is held back has arrived
	away   sync.WaitGroup // what is held back and has not arrived
	owners map[string]string
}

func (w *wire) hold() (deliver func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = true
	return func() bool {
		w.mu.Lock()
		gate := w.gate
		w.armed, w.gate = false, nil
		w.mu.Unlock()
		if gate == nil {
			return false
		}
		close(gate)
		w.away.Wait()
		return true
	}
}

// stop returns what a request has to wait for, nil for nothing, and what it closes
// when it has arrived.
func (w *wire) stop(from *wired) (before, arrived chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.armed:
		w.armed, w.gate, w.from = false, make(chan struct{}), from
		before = w.gate
	case w.single && w.gate != nil && w.from == from:
		before = w.last
	default:
		return nil, nil
	}
	w.away.Add(1)
	w.last = make(chan struct{})
	return before, w.last
}

type answer struct {
	grant driver.Grant
	err   error
}

// carry has do done now, or when it arrives, by what it returns then.
func (s *wired) carry(ctx context.Context, do func(ctx context.Context, late bool) answer) answer {
	w := s.wire
	before, arrived := w.stop(s)
	if before == nil {
		return do(ctx, false)
	}
	answered := make(chan answer, 1)
	go func() {
		defer w.away.Done()
		defer close(arrived)
		<-before
		answered <- do(context.WithoutCancel(ctx), true)
	}()
	var again <-chan time.Time
	if w.repeats {
		again = time.After(50 * time.Millisecond)
	}
	select {
	case a := <-answered:
		return a
	case <-again:
		return s.carry(ctx, do)
	case <-ctx.Done():
		return answer{err: ctx.Err()}
	}
}

// target is r, or who holds the key if r is late and that does not matter.
func (w *wire) target(r driver.Request, late bool) driver.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blind && late {
		r.Owner = w.owners[r.Key]
	}
	return r
}

// A wired store sends its requests over a wire.
type wired struct {
	*memory.Store
	wire *wire
}

func (s *wired) Features() driver.Features {
	f := s.Store.Features()
	f.Ordered = s.wire.ordered
	return f
}

func (s *wired) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	a := s.carry(ctx, func(ctx context.Context, _ bool) answer {
		g, err := s.Store.TryAcquire(ctx, r)
		if err == nil {
			s.wire.mu.Lock()
			defer s.wire.mu.Unlock()
			s.wire.owners[r.Key] = r.Owner
		}
		return answer{g, err}
	})
	return a.grant, a.err
}

func (s *wired) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	a := s.carry(ctx, func(ctx context.Context, late bool) answer {
		sent, err := s.Store.Extend(ctx, s.wire.target(r, late))
		return answer{driver.Grant{Sent: sent}, err}
	})
	return a.grant.Sent, a.err
}

func (s *wired) Release(ctx context.Context, r driver.Request) error {
	return s.carry(ctx, func(ctx context.Context, _ bool) answer {
		return answer{err: s.Store.Release(ctx, r)}
	}).err
}
