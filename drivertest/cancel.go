package drivertest

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func cancelledWait(s *scene) {
	st := s.open()
	s.waiter(st)
	holder := s.request("k")
	s.take(st, holder)
	w := s.wait(st, s.request("k"))
	w.cancel()
	s.returns(w)
	s.want("a wait that was cancelled", w.err, context.Canceled)
	s.want("a wait that was cancelled while the key was held", w.err, driver.ErrHeld)
	s.giveBack(st, holder)
}

func cancelLeavesNothing(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	holder := s.request("k")
	s.take(st, holder)
	first, second := s.wait(st, s.request("k")), s.wait(other, s.request("k"))
	first.cancel()
	s.returns(first)
	if n := s.waitersOf(st, "k"); n >= 0 {
		s.soon("Inspect shows one waiter, not two", func() bool { return s.waitersOf(st, "k") == 1 })
	}
	s.giveBack(st, holder)
	s.granted(second)
	s.giveBack(other, second.request)
	s.free(st, "k")
}

// cancelMeetsGrant has a wait cancelled while its turn comes, again and again.
// Who was told of an error must hold nothing, but for what the store is not
// certain of: that is given back, as package locks does.
func cancelMeetsGrant(s *scene) {
	st := s.open()
	s.waiter(st)
	for i := range 50 {
		holder := s.request("k")
		s.take(st, holder)
		one, two := s.request("k"), s.request("k")
		one.Brief, two.Brief = i%2 == 0, i%3 == 0
		first := s.wait(st, one)
		second := s.start(st, two)
		cancelled := make(chan struct{})
		go func() {
			defer close(cancelled)
			first.cancel()
		}()
		s.giveBack(st, holder)
		<-cancelled
		s.returns(first)
		switch {
		case first.err == nil:
			s.giveBack(st, first.request)
		case !errors.Is(first.err, driver.ErrHeld):
			if err := st.Release(s.ctx, first.request); err != nil && !errors.Is(err, driver.ErrNotHeld) {
				s.broken("Release of what may have been granted: %v", err)
			}
		}
		s.granted(second)
		s.giveBack(st, second.request)
	}
	s.free(st, "k")
}

// behindCancelled has the first in line give up, who alone was in the way of the
// second: a writer before a reader, and a small permit before a large one.
func behindCancelled(s *scene) {
	st := s.open()
	s.waiter(st)
	for _, modes := range [][3]driver.Mode{
		{driver.Shared, driver.Exclusive, driver.Shared},
		{driver.Slots(3), driver.Slots(1), driver.Slots(3)},
	} {
		key := modes[0].String()
		s.take(st, in(modes[0], s.request(key)))
		first := s.wait(st, in(modes[1], s.request(key)))
		second := s.start(st, in(modes[2], s.request(key)))
		<-time.After(s.h.Lease / 4) // so that it stands in line
		first.cancel()
		s.returns(first)
		s.granted(second)
	}
}
