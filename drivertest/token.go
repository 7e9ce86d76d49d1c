package drivertest

import (
	"slices"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

var tokens = []promised{
	{"tokens are below 1<<63, and not 0 where Features says Fencing", tokenRange},
	{"tokens grow across release, spare ones included", tokensAcrossRelease},
	{"tokens grow across expiry", tokensAcrossExpiry},
	{"tokens grow across closing and opening", tokensAcrossReopen},
	{"tokens grow from store to store", tokensAcrossStores},
	{"tokens grow over many quick cycles", tokensOverCycles},
	{"an exclusive token is larger than those of the readers before it", tokensAcrossModes},
	{"tokens of readers and permits are larger than the exclusive ones before them", tokensAfterExclusive},
	{"the Spare of a grant that is asked for again is that grant's", spareAgain},
	{"a store without Fencing has no tokens", tokenless},
}

// fencing skips the case on stores without tokens.
func (s *scene) fencing(st driver.Store) {
	s.t.Helper()
	if st.Features().Fencing {
		return
	}
	s.t.Skip("this store has no tokens: Features().Fencing is false")
}

// growing checks one token after another.
type growing struct {
	s    *scene
	last uint64
	what string
}

func (o *growing) next(g driver.Grant) {
	o.s.t.Helper()
	switch {
	case g.Token == 0 || g.Token >= 1<<63 || g.Token+uint64(g.Spare) >= 1<<63 || g.Spare < 0:
		o.s.fatal("%s: token %d with %d spare ones is out of range", o.what, g.Token, g.Spare)
	case g.Token <= o.last:
		o.s.fatal("%s: token %d came after %d", o.what, g.Token, o.last)
	}
	o.last = g.Token + uint64(g.Spare)
}

func tokenRange(s *scene) {
	st := s.open()
	s.fencing(st)
	tokens := growing{s: s, what: "the first grant"}
	tokens.next(s.free(st, "k"))
}

func tokensAcrossRelease(s *scene) {
	st := s.open()
	s.fencing(st)
	tokens := growing{s: s, what: "after a release"}
	for range 10 {
		tokens.next(s.free(st, "k"))
	}
}

func tokensAcrossExpiry(s *scene) {
	st := s.open()
	s.fencing(st)
	tokens := growing{s: s, what: "after an expiry"}
	tokens.next(s.take(st, lasting(s.h.Lease, s.request("k"))))
	g, _ := s.takenLate(st, s.request("k"))
	tokens.next(g)
}

func tokensAcrossReopen(s *scene) {
	st := s.open()
	s.fencing(st)
	tokens := growing{s: s, what: "after the store was closed and opened"}
	for range 5 {
		tokens.next(s.free(st, "k"))
		if err := st.Close(); err != nil {
			s.fatal("Close: %v", err)
		}
		st = s.open()
	}
	tokens.next(s.free(st, "k"))
}

func tokensAcrossStores(s *scene) {
	stores := []driver.Store{s.open(), s.open(), s.open()}
	s.fencing(stores[0])
	tokens := growing{s: s, what: "from store to store"}
	for i := range 30 {
		tokens.next(s.free(stores[i%len(stores)], "k"))
	}
}

func tokensOverCycles(s *scene) {
	st := s.open()
	s.fencing(st)
	tokens := growing{s: s, what: "in quick cycles"}
	r := s.request("k")
	for range s.h.Cycles {
		tokens.next(s.take(st, r))
		s.giveBack(st, r)
	}
}

func tokensAcrossModes(s *scene) {
	st := s.open()
	s.fencing(st)
	var readers []driver.Request
	var given []uint64
	for range 5 {
		r := in(driver.Shared, s.request("k"))
		readers = append(readers, r)
		g := s.take(st, r)
		given = append(given, g.Token+uint64(g.Spare))
	}
	var wg sync.WaitGroup
	for _, r := range readers {
		wg.Go(func() {
			if err := st.Release(s.ctx, r); err != nil {
				s.broken("Release: %v", err)
			}
		})
	}
	wg.Wait()
	tokens := growing{s: s, what: "after readers", last: slices.Max(given)}
	tokens.next(s.free(st, "k"))
}

// tokensAfterExclusive has the ways of holding a key take turns. Those who hold it
// together may have equal tokens, or in any order.
func tokensAfterExclusive(s *scene) {
	st := s.open()
	s.fencing(st)
	tokens := growing{s: s, what: "an exclusive grant after others"}
	for range 2 {
		for _, mode := range []driver.Mode{driver.Shared, driver.Slots(3)} {
			tokens.next(s.free(st, "k"))
			last := tokens.last
			var held []driver.Request
			for range 3 {
				r := in(mode, s.request("k"))
				together := growing{s: s, what: mode.String() + " after exclusive", last: last}
				together.next(s.take(st, r))
				tokens.last = max(tokens.last, together.last)
				held = append(held, r)
			}
			for _, r := range held {
				s.giveBack(st, r)
			}
		}
	}
	tokens.next(s.free(st, "k"))
}

func spareAgain(s *scene) {
	st := s.open()
	s.fencing(st)
	for _, mode := range allModes {
		key := mode.String()
		r := in(mode, s.request(key))
		s.take(st, r)
		tokens := growing{s: s, what: "after a grant that was asked for twice"}
		tokens.next(s.take(st, r))
		s.giveBack(st, r)
		tokens.next(s.free(st, key))
	}
}

// tokenless checks a store whose grants may have Spare all the same: it says how
// often they may be passed on.
func tokenless(s *scene) {
	st := s.open()
	if st.Features().Fencing {
		s.t.Skip("this store has tokens: Features().Fencing is true")
	}
	for _, mode := range allModes {
		r := in(mode, s.request(mode.String()))
		for range 2 {
			if g := s.take(st, r); g.Token != 0 || g.Spare < 0 {
				s.broken("%v: token %d, spare %d", mode, g.Token, g.Spare)
			}
		}
	}
}
