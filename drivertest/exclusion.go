package drivertest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var exclusion = []promised{
	{"a key is granted to one exclusive owner at a time, whichever store is asked", oneAtATime},
	{"a refusal says for how long the key may be held", heldFor},
	{"a refusal that names a holder names one who holds the key", heldBy},
	{"a refusal names the holder and since when, where the harness says so", heldByKnown},
	{"keys do not disturb each other", keysApart},
	{"64 goroutines on three stores never hold a key at once, and see its tokens grow", stress},
}

func oneAtATime(s *scene) {
	one, two := s.open(), s.open()
	holder := s.request("k")
	s.take(one, holder)
	s.refused(one, s.request("k"))
	s.refused(two, s.request("k"))
	s.giveBack(one, holder)
	next := s.request("k")
	s.take(two, next)
	s.refused(one, s.request("k"))
	s.giveBack(two, next)
	s.free(one, "k")
}

func heldFor(s *scene) {
	st := s.open()
	s.take(st, s.request("k"))
	s.take(st, lasting(driver.Forever, s.request("forever")))
	for key, most := range map[string]int64{"k": int64(long), "forever": int64(driver.Forever)} {
		_, err := st.TryAcquire(s.ctx, s.request(key))
		held, ok := errors.AsType[*driver.HeldError](err)
		switch {
		case !ok:
			s.fatal("TryAcquire of a held key: %v", err)
		case held.For < 0 || int64(held.For) > most:
			s.broken("%s is held for up to %v, the refusal says %v", show(key), long, held.For)
		case held.For == 0: // the store does not know
		case key == "forever" && held.For != driver.Forever:
			s.broken("a key held for ever is refused as held for %v", held.For)
		}
	}
}

// heldBy has two readers hold a key, then one, and asks who is in the way.
func heldBy(s *scene) {
	st, other := s.open(), s.open()
	before := time.Now()
	var readers []driver.Request
	for n := range 2 {
		r := in(driver.Shared, s.request("k"))
		r.Holder = driver.Holder{Host: "host", PID: n + 1, Label: "reader"}
		s.take(st, r)
		readers = append(readers, r)
	}
	for len(readers) > 0 {
		for _, asked := range []driver.Store{st, other} {
			_, err := asked.TryAcquire(s.ctx, s.request("k"))
			s.named("a refusal", err, before, readers)
		}
		if _, ok := st.(driver.Waiter); ok {
			w := s.wait(st, s.request("k"))
			w.cancel()
			s.returns(w)
			s.named("a wait that was cancelled", w.err, before, readers)
		}
		s.giveBack(st, readers[0])
		readers = readers[1:]
	}
}

func heldByKnown(s *scene) {
	if !s.h.NamesHolder {
		s.t.Skip("refusals need not tell who holds the key: Harness.NamesHolder is false")
	}
	st, other := s.open(), s.open()
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(1)} {
		before, holder := time.Now(), in(mode, s.request(mode.String()))
		s.take(st, holder)
		for _, asked := range []driver.Store{st, other} {
			r := s.request(holder.Key)
			r.Holder.Label = "another"
			_, err := asked.TryAcquire(s.ctx, r)
			s.named("a refusal", err, before, []driver.Request{holder})
			held, ok := errors.AsType[*driver.HeldError](err)
			if !ok || held.Holder == (driver.Holder{}) || held.Since.IsZero() {
				s.broken("of a key that is held (%v) by %+v: %v", mode, holder.Holder, err)
			}
		}
	}
}

// named checks whom an error names as the holder, if it names anybody.
func (s *scene) named(what string, err error, before time.Time, holders []driver.Request) {
	s.t.Helper()
	held, ok := errors.AsType[*driver.HeldError](err)
	if !ok {
		return
	}
	if held.Holder != (driver.Holder{}) && !slices.ContainsFunc(holders, func(r driver.Request) bool { return r.Holder == held.Holder }) {
		s.broken("%s names %+v, who is none of the %d who hold the key", what, held.Holder, len(holders))
	}
	if t := held.Since; !t.IsZero() && (t.Before(before.Add(-clockSlack)) || t.After(time.Now().Add(clockSlack))) {
		s.broken("%s says that the key is held since %v, it is since %v", what, t, before)
	}
}

func keysApart(s *scene) {
	st := s.open()
	a, b := s.request("a"), s.request("b")
	s.take(st, a)
	s.take(st, b)
	s.giveBack(st, a)
	s.refused(st, s.request("b"))
	s.free(st, "a")
}

// stress is many goroutines that take few keys on three stores. Whoever holds a
// key marks it, and looks whether somebody else's mark is there.
func stress(s *scene) {
	const goroutines, rounds, keyCount = 64, 30, 3
	stores := []driver.Store{s.open(), s.open(), s.open()}
	var guards [keyCount]guard
	var wg sync.WaitGroup
	for i := range goroutines {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		wg.Go(func() {
			for range rounds {
				n := random.IntN(keyCount)
				s.visit(stores[random.IntN(len(stores))], &guards[n], string(rune('a'+n)))
			}
		})
	}
	wg.Wait()
	var entered int64
	for i := range guards {
		entered += guards[i].entered.Load()
	}
	if entered == 0 {
		s.broken("nobody got a key")
	}
}

// visit tries to get the key once, and passes through the guard if it was got.
func (s *scene) visit(st driver.Store, g *guard, key string) {
	r := s.request(key)
	grant, err := st.TryAcquire(s.ctx, r)
	switch {
	case err == nil:
		g.pass(s, grant)
		if err := st.Release(s.ctx, r); err != nil {
			s.broken("Release by the owner: %v", err)
		}
	case !errors.Is(err, driver.ErrHeld):
		s.broken("TryAcquire: %v", err)
	}
}

// A guard finds out whether two hold a key at once, or in the wrong order.
type guard struct {
	inside  atomic.Int64
	entered atomic.Int64
	last    atomic.Uint64 // the largest token that was given, spare ones too
}

func (g *guard) pass(s *scene, grant driver.Grant) {
	if n := g.inside.Add(1); n != 1 {
		s.broken("%d hold the key at once", n)
	}
	last := g.last.Swap(grant.Token + uint64(grant.Spare))
	if grant.Token != 0 && grant.Token <= last {
		s.broken("token %d came after %d", grant.Token, last)
	}
	g.entered.Add(1)
	<-time.After(100 * time.Microsecond) // so that others come while the key is held
	g.inside.Add(-1)
}
