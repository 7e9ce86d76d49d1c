package drivertest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var sizes = []promised{
	{"a permit is granted while fewer than its own n are held, and only then, whatever n the others asked for", permitsBySize},
	{"at most the largest n in use are held at once", largestSize},
	{"a waiter for a permit is woken by the end of one of another size", wokenAcrossSizes},
	{"a permit of a small n is not passed by a larger one that came later, where Features says FIFO", smallNotPassed},
}

// permitsBySize takes and gives back permits of sizes drawn by lot, and knows how
// many are held.
func permitsBySize(s *scene) {
	stores := []driver.Store{s.open(), s.open()}
	random := rand.New(rand.NewPCG(2, 3))
	type permit struct {
		store driver.Store // that granted it
		driver.Request
	}
	var held []permit
	for range 200 {
		if n := len(held); n > 0 && random.IntN(3) == 0 {
			i := random.IntN(n)
			s.giveBack(held[i].store, held[i].Request)
			held[i] = held[n-1]
			held = held[:n-1]
			continue
		}
		n := 1 + random.IntN(6)
		r := in(driver.Slots(n), s.request("k"))
		st := stores[random.IntN(2)]
		if len(held) >= n {
			s.refused(st, r)
			continue
		}
		if _, err := st.TryAcquire(s.ctx, r); err != nil {
			s.fatal("%d permits are held, one of %d was refused: %v", len(held), n, err)
		}
		held = append(held, permit{st, r})
	}
}

// largestSize has many goroutines take permits of all sizes up to the largest.
func largestSize(s *scene) {
	const goroutines, rounds, largest = 32, 20, 4
	stores := []driver.Store{s.open(), s.open(), s.open()}
	var inside atomic.Int64
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range rounds {
				s.share(stores[i%len(stores)], &inside, 1+i%largest, largest)
			}
		})
	}
	wg.Wait()
	s.free(stores[0], "k")
}

// share tries to get one permit of n, and counts who has one meanwhile.
func (s *scene) share(st driver.Store, inside *atomic.Int64, n, most int) {
	r := in(driver.Slots(n), s.request("k"))
	_, err := st.TryAcquire(s.ctx, r)
	switch {
	case errors.Is(err, driver.ErrHeld):
		<-time.After(50 * time.Microsecond)
		return
	case err != nil:
		s.broken("TryAcquire of a permit of %d: %v", n, err)
		return
	}
	if now := inside.Add(1); now > int64(most) {
		s.broken("%d permits are held at once, the largest n in use is %d", now, most)
	}
	<-time.After(100 * time.Microsecond) // so that others come meanwhile
	inside.Add(-1)
	if err := st.Release(s.ctx, r); err != nil {
		s.broken("Release of a permit of %d: %v", n, err)
	}
}

func wokenAcrossSizes(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	for _, how := range []string{"release", "expiry"} {
		lease := long
		if how == "expiry" {
			lease = s.h.Lease
		}
		small, large := in(driver.Slots(2), s.request(how)), in(driver.Slots(3), lasting(lease, s.request(how)))
		s.take(st, small)
		s.take(other, large)
		w := s.start(st, in(driver.Slots(2), s.request(how)))
		if how == "release" {
			<-time.After(s.h.Lease / 4)
			s.waits(w) // two of two are held
			s.giveBack(other, large)
		}
		s.granted(w)
		s.take(other, in(driver.Slots(3), s.request(how)))
		next := s.wait(st, in(driver.Slots(3), s.request(how)))
		s.waits(next) // three of three are held
		s.giveBack(st, small)
		s.granted(next)
	}
}

func smallNotPassed(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	if !st.Features().FIFO {
		s.t.Skip("this store serves waiters in any order: Features().FIFO is false")
	}
	var held []driver.Request
	for range 4 {
		r := in(driver.Slots(4), s.request("k"))
		s.take(other, r)
		held = append(held, r)
	}
	small := s.wait(st, in(driver.Slots(2), s.request("k")))
	large := s.wait(st, in(driver.Slots(4), s.request("k")))
	for i, r := range held[:2] {
		s.giveBack(other, r)
		<-time.After(s.h.Lease / 4)
		if small.over() || large.over() {
			s.fatal("%d permits are held, one of 2 is waited for: granted is that one: %t, the one of 4 behind it: %t",
				len(held)-i-1, small.over(), large.over())
		}
	}
	s.giveBack(other, held[2])
	s.granted(small)
	s.granted(large) // there is room for both
}

func inspectSizes(s *scene) {
	st := s.open()
	i := s.inspector(st)
	want := make(map[uint64]driver.Mode)
	modes := []driver.Mode{driver.Slots(2), driver.Slots(7), driver.Slots(3)}
	for _, mode := range modes {
		want[s.take(st, in(mode, s.request("k"))).Token] = mode
	}
	info, err := i.Inspect(s.ctx, "k")
	if err != nil || len(info.Holders) != len(modes) {
		s.fatal("Inspect of a key with %d permits: %+v, %v", len(modes), info, err)
	}
	if len(want) < len(modes) {
		return // they have equal tokens: who is who can't be told
	}
	for _, h := range info.Holders {
		if h.Mode != want[h.Token] {
			s.broken("the permit with token %d is shown as %v, was granted as %v", h.Token, h.Mode, want[h.Token])
		}
	}
}
