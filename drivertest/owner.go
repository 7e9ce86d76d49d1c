package drivertest

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var ownership = []promised{
	{"only the owner can release", onlyOwnerReleases},
	{"only the owner can extend", onlyOwnerExtends},
	{"a stale owner never touches the next holder", staleOwner},
	{"releasing what is not held is ErrNotHeld", releaseFree},
	{"asking again as the owner is the same grant, with the same token", askAgain},
	{"asking again as the owner starts the lease anew", askAgainRenews},
	{"asking again through another store is the same grant", askAgainElsewhere},
	{"an owner that released is a stranger", releasedOwner},
}

func onlyOwnerReleases(s *scene) {
	st := s.open()
	holder, other := s.request("k"), s.request("k")
	s.take(st, holder)
	s.want("Release by another owner", st.Release(s.ctx, other), driver.ErrNotHeld)
	s.refused(st, s.request("k"))
	s.giveBack(st, holder)
}

func onlyOwnerExtends(s *scene) {
	st := s.open()
	holder := lasting(s.h.Lease, s.request("k"))
	g := s.take(st, holder)
	_, err := st.Extend(s.ctx, s.request("k"))
	s.want("Extend by another owner", err, driver.ErrNotHeld)
	_, at := s.takenLate(st, s.request("k"))
	if late := at.Sub(g.Sent); late > s.h.Lease+s.h.Patience {
		s.broken("a stranger's Extend kept the key held for %v", late)
	}
}

func staleOwner(s *scene) {
	st := s.open()
	stale := lasting(s.h.Lease, s.request("k"))
	s.take(st, stale)
	next := s.request("k")
	s.takenLate(st, next)
	s.want("Release by the owner before", st.Release(s.ctx, stale), driver.ErrNotHeld)
	_, err := st.Extend(s.ctx, lasting(time.Millisecond+st.Features().MinLease, stale))
	s.want("Extend by the owner before", err, driver.ErrNotHeld)
	s.refused(st, s.request("k"))
	s.giveBack(st, next)
}

func releaseFree(s *scene) {
	st := s.open()
	r := s.request("k")
	s.want("Release of a key that nobody ever held", st.Release(s.ctx, r), driver.ErrNotHeld)
	_, err := st.Extend(s.ctx, r)
	s.want("Extend of a key that nobody ever held", err, driver.ErrNotHeld)
	s.take(st, r)
	s.giveBack(st, r)
	s.want("a second Release", st.Release(s.ctx, r), driver.ErrNotHeld)
	_, err = st.Extend(s.ctx, r)
	s.want("Extend after Release", err, driver.ErrNotHeld)
	s.free(st, "k")
}

func askAgain(s *scene) {
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2)} {
		st := s.open()
		key := mode.String()
		r := in(mode, s.request(key))
		first := s.take(st, r)
		again := s.take(st, r)
		if first.Token != again.Token {
			s.broken("%v: token %d, then %d", mode, first.Token, again.Token)
		}
		s.giveBack(st, r)
		s.free(st, key) // one release is enough
	}
}

func askAgainRenews(s *scene) {
	st := s.open()
	r := lasting(s.h.Lease, s.request("k"))
	s.take(st, r)
	s.take(st, lasting(long, r))
	<-time.After(s.h.Lease + s.h.Lease/2)
	s.refused(st, s.request("k"))
	s.giveBack(st, r)
}

func askAgainElsewhere(s *scene) {
	one, two := s.open(), s.open()
	r := s.request("k")
	first := s.take(one, r)
	again := s.take(two, r)
	if first.Token != again.Token {
		s.broken("token %d, then %d", first.Token, again.Token)
	}
	s.giveBack(two, r)
	s.free(one, "k")
}

func releasedOwner(s *scene) {
	st := s.open()
	r := s.request("k")
	s.take(st, r)
	s.giveBack(st, r)
	s.take(st, s.request("k"))
	s.refused(st, r)
}
