package drivertest

import (
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var modes = []promised{
	{"many readers hold a key at once", manyReaders},
	{"no writer beside a reader, and no reader beside a writer", readersAndWriter},
	{"a semaphore grants as many permits as it has, and no more", permits},
	{"a permit that ended is free again", permitExpiry},
	{"one key used in two ways is never granted both ways", twoWays},
	{"an owner that asks again in another mode is refused, and keeps its lease as it was", againInAnotherMode},
	{"Extend and Release in another mode are ErrNotHeld, and change nothing", otherwiseExtended},
	{"a key may be used another way when it is free", anotherWay},
	{"a waiting writer is not starved by readers", writerNotStarved},
	{"a mode that does not exist is refused", noSuchMode},
}

func manyReaders(s *scene) {
	one, two := s.open(), s.open()
	var readers []driver.Request
	for i := range 10 {
		r := in(driver.Shared, s.request("k"))
		s.take([]driver.Store{one, two}[i%2], r)
		readers = append(readers, r)
	}
	for i, r := range readers {
		s.refused(one, s.request("k"))
		s.giveBack([]driver.Store{one, two}[i%2], r)
	}
	s.free(two, "k")
}

func readersAndWriter(s *scene) {
	one, two := s.open(), s.open()
	reader := in(driver.Shared, s.request("k"))
	s.take(one, reader)
	s.refused(two, s.request("k"))
	s.giveBack(one, reader)
	writer := s.request("k")
	s.take(two, writer)
	s.refused(one, in(driver.Shared, s.request("k")))
	s.giveBack(two, writer)
	s.free(one, "k")
}

func permits(s *scene) {
	one, two := s.open(), s.open()
	const n = 3
	mode := driver.Slots(n)
	var holders []driver.Request
	for i := range n {
		r := in(mode, s.request("k"))
		s.take([]driver.Store{one, two}[i%2], r)
		holders = append(holders, r)
	}
	s.refused(one, in(mode, s.request("k")))
	s.refused(two, in(mode, s.request("k")))
	s.giveBack(two, holders[1])
	next := in(mode, s.request("k"))
	s.take(one, next)
	s.refused(two, in(mode, s.request("k")))
	s.giveBack(one, next)
	s.giveBack(one, holders[0])
	s.giveBack(one, holders[2])
	s.free(two, "k")
}

func permitExpiry(s *scene) {
	st := s.open()
	mode := driver.Slots(2)
	s.take(st, in(mode, s.request("k")))
	g := s.take(st, lasting(s.h.Lease, in(mode, s.request("k"))))
	_, at := s.takenLate(st, in(mode, s.request("k")))
	if after := at.Sub(g.Sent); after < s.h.Lease {
		s.broken("a permit with a lease of %v was another's after %v", s.h.Lease, after)
	}
	s.refused(st, in(mode, s.request("k")))
}

var allModes = []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2), driver.Slots(3)}

func twoWays(s *scene) {
	st := s.open()
	for _, first := range allModes {
		for _, second := range allModes {
			if !first.Excludes(second) || first == second {
				continue
			}
			key := first.String() + second.String()
			s.take(st, in(first, s.request(key)))
			_, err := st.TryAcquire(s.ctx, in(second, s.request(key)))
			if !errors.Is(err, driver.ErrHeld) && !errors.Is(err, driver.ErrInvalidRequest) {
				s.broken("%v asked for beside %v: %v", second, first, err)
			}
		}
	}
}

func anotherWay(s *scene) {
	st := s.open()
	for range 2 {
		for _, mode := range allModes {
			r := in(mode, s.request("k"))
			s.take(st, r)
			s.giveBack(st, r)
		}
	}
	s.take(st, lasting(s.h.Lease, in(driver.Shared, s.request("k"))))
	s.takenLate(st, in(driver.Slots(5), s.request("k"))) // the reader's lease has ended
}

// otherwise calls f with each lease that is held, and each other mode.
func (s *scene) otherwise(st driver.Store, f func(held, other driver.Request)) {
	s.t.Helper()
	var held []driver.Request
	for _, mode := range allModes {
		r := in(mode, s.request(mode.String()))
		s.take(st, r)
		held = append(held, r)
		for _, other := range allModes {
			if other != mode {
				f(r, in(other, r))
			}
		}
	}
	<-time.After(s.h.Lease + s.h.Lease/2)
	for _, r := range held {
		s.refused(st, s.request(r.Key)) // for long, as it was granted
		s.giveBack(st, r)
		s.free(st, r.Key)
	}
}

func againInAnotherMode(s *scene) {
	st := s.open()
	s.otherwise(st, func(held, other driver.Request) {
		_, err := st.TryAcquire(s.ctx, lasting(s.h.Lease, other))
		if !errors.Is(err, driver.ErrHeld) && !errors.Is(err, driver.ErrInvalidRequest) {
			s.broken("an owner that holds the key (%v) asks again (%v): %v", held.Mode, other.Mode, err)
		}
	})
}

func otherwiseExtended(s *scene) {
	st := s.open()
	s.otherwise(st, func(held, other driver.Request) {
		_, err := st.Extend(s.ctx, lasting(s.h.Lease, other))
		s.want("Extend ("+other.Mode.String()+") of a lease ("+held.Mode.String()+")", err, driver.ErrNotHeld)
		err = st.Release(s.ctx, other)
		s.want("Release ("+other.Mode.String()+") of a lease ("+held.Mode.String()+")", err, driver.ErrNotHeld)
	})
}

func writerNotStarved(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	reader := in(driver.Shared, s.request("k"))
	s.take(st, reader)
	writer := s.wait(st, s.request("k"))
	s.soon("no reader is granted the key while a writer waits", func() bool {
		late := in(driver.Shared, s.request("k"))
		_, err := other.TryAcquire(s.ctx, late)
		if err == nil {
			s.giveBack(other, late)
		}
		return errors.Is(err, driver.ErrHeld)
	})
	s.refused(st, in(driver.Shared, s.request("k")))
	s.giveBack(st, reader)
	s.granted(writer)
	s.giveBack(st, writer.request)
	late := in(driver.Shared, s.request("k"))
	s.takenLate(other, late)
}

func noSuchMode(s *scene) {
	st := s.open()
	for _, mode := range []driver.Mode{driver.Slots(0), driver.Slots(-1), driver.Slots(driver.MaxSlots + 1)} {
		_, err := st.TryAcquire(s.ctx, in(mode, s.request("k")))
		s.want("TryAcquire in "+mode.String(), err, driver.ErrInvalidRequest)
	}
	r := in(driver.Slots(driver.MaxSlots), s.request("k"))
	s.take(st, r)
	s.giveBack(st, r)
}
