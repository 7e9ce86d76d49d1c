package drivertest

import (
	"errors"

	"github.com/concurrent-go/concurrent/driver"
)

var closing = []promised{
	{"Close gives back what was granted through the store, and nothing else", closeGivesBack},
	{"Close ends waits with ErrClosed", closeEndsWaits},
	{"after Close every method is ErrClosed", closedMethods},
	{"Close again does nothing", closeTwice},
}

func (s *scene) closes(st driver.Store) {
	s.t.Helper()
	if err := st.Close(); err != nil {
		s.fatal("Close: %v", err)
	}
}

func closeGivesBack(s *scene) {
	st, other := s.open(), s.open()
	for _, mode := range allModes {
		s.take(st, lasting(driver.Forever, in(mode, s.request("mine "+mode.String()))))
	}
	theirs := s.request("theirs")
	s.take(other, theirs)
	both := in(driver.Shared, s.request("both"))
	s.take(other, both)
	s.take(st, in(driver.Shared, s.request("both")))
	s.closes(st)
	for _, mode := range allModes {
		s.free(other, "mine "+mode.String())
	}
	s.refused(other, s.request("theirs"))
	s.refused(other, s.request("both"))
	s.giveBack(other, theirs)
	s.giveBack(other, both)
	s.free(other, "both")
}

func closeEndsWaits(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	holder := s.request("k")
	s.take(other, holder)
	mine, theirs := s.wait(st, s.request("k")), s.wait(other, s.request("k"))
	s.closes(st)
	s.returns(mine)
	s.want("a wait through the store that was closed", mine.err, driver.ErrClosed)
	s.waits(theirs)
	s.giveBack(other, holder)
	s.granted(theirs)
}

func closedMethods(s *scene) {
	st := s.open()
	r := s.request("k")
	s.take(st, r)
	s.closes(st)
	errs := s.everyMethod(st, r)
	if i, ok := st.(driver.Inspector); ok {
		_, errs["Inspect"] = i.Inspect(s.ctx, "k")
		_, errs["Break"] = i.Break(s.ctx, "k")
		for _, err := range i.List(s.ctx, "") {
			errs["List"] = err
		}
	}
	for method, err := range errs {
		if !errors.Is(err, driver.ErrClosed) && !errors.Is(err, driver.ErrUnsupported) {
			s.broken("%s: %v", method, err)
		}
	}
}

func closeTwice(s *scene) {
	st, other := s.open(), s.open()
	s.closes(st)
	s.take(other, s.request("k"))
	s.closes(st)
	s.refused(other, s.request("k"))
}
