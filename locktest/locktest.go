package locktest

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
)

// Stores are the stores of one test, in memory, one for each alias.
//
// The code under test may use the stores from any goroutine. The methods of Stores
// call t.Fatal when they are used wrongly, so call them in the test's own
// goroutine, or in one that the test waits for; what Hold and Down return may be
// called anywhere. A subtest makes Stores of its own. After the end of the test
// the methods do nothing.
type Stores struct {
	t        testing.TB
	registry *concurrent.Registry
	byAlias  map[string]*store
	changed  chan struct{} // has one when something was given back, or not waited for any more
	ended    atomic.Bool
}

// New returns stores under these aliases, in a registry of their own: give it to
// the code under test with locks.WithRegistry(s.Registry()). With no alias there
// is one, "default". The aliases have no prefix, and the default lease.
//
// At the end of the test, t fails if anything is still held or waited for, as the
// package documentation says.
func New(t testing.TB, aliases ...string) *Stores {
	t.Helper()
	s := newStores(t, aliases)
	t.Cleanup(s.end)
	return s
}

func newStores(t testing.TB, aliases []string) *Stores {
	t.Helper()
	if len(aliases) == 0 {
		aliases = []string{"default"}
	}
	s := &Stores{
		t:        t,
		registry: concurrent.NewRegistry(),
		byAlias:  make(map[string]*store, len(aliases)),
		changed:  make(chan struct{}, 1),
	}
	configs := make(concurrent.Aliases, len(aliases))
	for _, alias := range aliases {
		if s.byAlias[alias] != nil {
			t.Fatalf("locktest: alias %q is given twice", alias)
		}
		s.byAlias[alias] = newStore(alias, s.changed)
		configs[alias] = concurrent.Config{Store: s.byAlias[alias]}
	}
	if err := s.registry.Configure(configs); err != nil {
		t.Fatalf("locktest: %v", err)
	}
	return s
}

// Registry returns the registry that knows the aliases. It is shut down when the
// test ends.
func (s *Stores) Registry() *concurrent.Registry { return s.registry }

// Hold makes somebody else hold key, exclusively and without end, until release
// is called or Lose ends it. It works while the store is down or slow. Calling
// release again does nothing. A test that never calls it fails at its end.
//
// If the key is held already, the test fails at once, and is told by whom.
func (s *Stores) Hold(alias, key string) (release func()) {
	s.t.Helper()
	if s.ended.Load() {
		return func() {}
	}
	release, err := s.find("Hold", alias).hold(key, caller())
	if err != nil {
		s.t.Fatalf("locktest: Hold(%q, %q): %v", alias, key, err)
	}
	return release
}

// Lose ends every lease on key now, as if it had been broken or the store had
// lost its data. The holders are notified: their contexts end soon, with a cause
// that matches locks.ErrLockLost. A key kept by WithKeep or WithMinHold becomes
// free. The next waiter gets the key. It works while the store is down or slow.
//
// If nobody holds the key, the test fails at once, and is told which keys are
// held.
func (s *Stores) Lose(alias, key string) {
	s.t.Helper()
	if s.ended.Load() {
		return
	}
	if err := s.find("Lose", alias).lose(key); err != nil {
		s.t.Fatalf("locktest: Lose(%q, %q): %v", alias, key, err)
	}
}

// Down makes every call of alias's store fail at once with driver.ErrUnavailable,
// which is locks.ErrUnavailable; nothing is carried out. Calls under way fail too:
// waits, and those that a slow store delays.
//
// Calling up brings the store back, with the leases that have not ended meanwhile.
// Calling it again does nothing. After several calls of Down, the store is back
// when every up has been called.
func (s *Stores) Down(alias string) (up func()) {
	s.t.Helper()
	if s.ended.Load() {
		return func() {}
	}
	return s.find("Down", alias).goDown()
}

// Slow delays every call of alias's store by d before it is carried out; 0 ends
// that. A call whose context ends during the delay returns then and is never
// carried out. Calls under way keep the delay that they began with. In a bubble of
// testing/synctest the delay is on the bubble's clock.
func (s *Stores) Slow(alias string, d time.Duration) {
	s.t.Helper()
	if s.ended.Load() {
		return
	}
	if d < 0 {
		s.t.Fatalf("locktest: Slow(%q, %v): a store can't be faster than it is", alias, d)
	}
	s.find("Slow", alias).goSlow(d)
}

// find returns the store of alias. There must be one.
func (s *Stores) find(method, alias string) *store {
	s.t.Helper()
	st := s.byAlias[alias]
	if st == nil {
		s.t.Fatalf("locktest: %s: no alias %q in this test; there are %s",
			method, alias, strings.Join(slices.Sorted(maps.Keys(s.byAlias)), ", "))
	}
	return st
}
