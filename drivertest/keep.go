package drivertest

import (
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var keeping = []promised{
	{"a kept key stays held until its lease would have ended", keptToTheEnd},
	{"a key can be kept for a time from now", keptForATime},
	{"nobody can release or extend a kept key", keptIsNobodys},
	{"a kept key stays held when its store closes", keptThroughClose},
	{"only the owner can keep", onlyOwnerKeeps},
	{"CheckKeep agrees with Keep", checkKeepAgrees},
	{"a kept key is shown, and can be broken", keptAndBroken},
	{"a waiter is woken when the time for which a key was kept is over", keptAndWaited},
}

func (s *scene) keeper(st driver.Store) driver.Keeper {
	s.t.Helper()
	k, ok := st.(driver.Keeper)
	if !ok {
		s.t.Skip("this store has no driver.Keeper")
	}
	probe := s.request("can it keep")
	s.take(st, probe)
	if err := k.Keep(s.ctx, lasting(time.Millisecond, probe)); err != nil {
		s.unsupported(err)
		s.fatal("Keep: %v", err)
	}
	return k
}

// keep has the lease of r kept.
func (s *scene) keep(k driver.Keeper, r driver.Request, d time.Duration) {
	s.t.Helper()
	if err := k.Keep(s.ctx, lasting(d, r)); err != nil {
		s.fatal("Keep by the owner: %v", err)
	}
}

func keptToTheEnd(s *scene) {
	st, other := s.open(), s.open()
	k := s.keeper(st)
	r := lasting(s.h.Lease, s.request("k"))
	g := s.take(st, r)
	s.keep(k, r, 0)
	_, at := s.takenLate(other, s.request("k"))
	switch after := at.Sub(g.Sent); {
	case after < s.h.Lease:
		s.broken("kept to the end of a lease of %v, the key was free after %v", s.h.Lease, after)
	case after > s.h.Lease+s.h.Patience:
		s.broken("kept to the end of a lease of %v, the key was free only after %v", s.h.Lease, after)
	}
}

func keptForATime(s *scene) {
	st, other := s.open(), s.open()
	k := s.keeper(st)
	r := s.request("k")
	s.take(st, r)
	before := time.Now()
	s.keep(k, r, s.h.Lease)
	_, at := s.takenLate(other, s.request("k"))
	switch after := at.Sub(before); {
	case after < s.h.Lease:
		s.broken("kept for %v, the key was free after %v", s.h.Lease, after)
	case after > s.h.Lease+s.h.Patience:
		s.broken("kept for %v, the key was free only after %v", s.h.Lease, after)
	}
}

func keptIsNobodys(s *scene) {
	st := s.open()
	k := s.keeper(st)
	r := s.request("k")
	s.take(st, r)
	s.keep(k, r, 0)
	s.want("Release of a kept key", st.Release(s.ctx, r), driver.ErrNotHeld)
	_, err := st.Extend(s.ctx, r)
	s.want("Extend of a kept key", err, driver.ErrNotHeld)
	s.want("Keep of a kept key", k.Keep(s.ctx, lasting(0, r)), driver.ErrNotHeld)
	s.refused(st, s.request("k"))
	s.refused(st, r)
}

func keptThroughClose(s *scene) {
	st, other := s.open(), s.open()
	k := s.keeper(st)
	r := s.request("k")
	s.take(st, r)
	s.keep(k, r, 0)
	if err := st.Close(); err != nil {
		s.broken("Close: %v", err)
	}
	s.refused(other, s.request("k"))
}

func onlyOwnerKeeps(s *scene) {
	st := s.open()
	k := s.keeper(st)
	r := s.request("k")
	s.take(st, r)
	s.want("Keep by another owner", k.Keep(s.ctx, lasting(0, s.request("k"))), driver.ErrNotHeld)
	s.want("Keep of a free key", k.Keep(s.ctx, lasting(0, s.request("free"))), driver.ErrNotHeld)
	s.giveBack(st, r)
	s.free(st, "k")
	s.free(st, "free")
}

func checkKeepAgrees(s *scene) {
	st := s.open()
	c, ok := st.(driver.KeepChecker)
	if !ok {
		s.t.Skip("this store has no driver.KeepChecker")
	}
	k, ok := st.(driver.Keeper)
	if !ok {
		s.fatal("a store that is no driver.Keeper has CheckKeep")
	}
	checked := c.CheckKeep(s.ctx)
	r := s.request("k")
	s.take(st, r)
	kept := k.Keep(s.ctx, lasting(time.Millisecond, r))
	switch can := !errors.Is(kept, driver.ErrUnsupported); {
	case checked == nil && kept != nil:
		s.broken("CheckKeep says nil, Keep: %v", kept)
	case errors.Is(checked, driver.ErrUnsupported) && can:
		s.broken("CheckKeep says %v, Keep: %v", checked, kept)
	}
	s.free(st, "another")
}

func keptAndBroken(s *scene) {
	st := s.open()
	k, i := s.keeper(st), s.inspector(st)
	r := s.request("k")
	s.take(st, r)
	s.keep(k, r, 0)
	info, err := i.Inspect(s.ctx, "k")
	if err != nil || len(info.Holders) != 1 {
		s.broken("Inspect of a kept key: %+v, %v", info, err)
	}
	if _, err := i.Break(s.ctx, "k"); err != nil {
		s.unsupported(err)
		s.fatal("Break of a kept key: %v", err)
	}
	s.free(st, "k")
}

func keptAndWaited(s *scene) {
	st := s.open()
	k := s.keeper(st)
	s.waiter(st)
	r := s.request("k")
	s.take(st, r)
	w := s.wait(st, s.request("k"))
	before := time.Now()
	s.keep(k, r, s.h.Lease)
	s.granted(w)
	if after := w.at.Sub(before); after < s.h.Lease {
		s.broken("kept for %v, the key was granted after %v", s.h.Lease, after)
	}
}
