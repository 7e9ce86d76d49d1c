package drivertest

import (
	"errors"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var leasing = []promised{
	{"a lease ends by itself, not before it is over and soon after", expiry},
	{"Sent is just before the request left, on the monotonic clock", sent},
	{"Extend makes the lease end later", extendLonger},
	{"Extend makes the lease end earlier", extendShorter},
	{"Extend after the end is ErrNotHeld and revives nothing", extendEnded},
	{"Release after the end is ErrNotHeld", releaseEnded},
	{"a lease without end does not end by itself", forever},
	{"a lease without end can be given an end, and back", foreverAndBack},
	{"a lease below MinLease is refused", tooShort},
	{"a lease of MinLease is granted", shortest},
}

func expiry(s *scene) {
	st, other := s.open(), s.open()
	g := s.take(st, lasting(s.h.Lease, s.request("k")))
	_, at := s.takenLate(other, s.request("k"))
	switch after := at.Sub(g.Sent); {
	case after < s.h.Lease:
		s.broken("the key was another's %v after Sent, the lease is %v", after, s.h.Lease)
	case after > s.h.Lease+s.h.Patience:
		s.broken("the key was another's only %v after Sent, the lease is %v", after, s.h.Lease)
	}
}

func sent(s *scene) {
	st := s.open()
	r := s.request("k")
	s.between(st.TryAcquire, r)
	before := time.Now()
	at, err := st.Extend(s.ctx, r)
	if err != nil {
		s.fatal("Extend: %v", err)
	}
	s.isBetween("Extend's", before, at, time.Now())
}

// between checks when a grant was sent.
func (s *scene) between(acquire acquireFunc, r driver.Request) {
	s.t.Helper()
	before := time.Now()
	g, err := acquire(s.ctx, r)
	if err != nil {
		s.fatal("%v", err)
	}
	s.isBetween("the grant's", before, g.Sent, time.Now())
}

func (s *scene) isBetween(whose string, before, at, after time.Time) {
	s.t.Helper()
	if at.Before(before) || at.After(after) {
		s.broken("%s Sent is %v after the call began, which took %v", whose, at.Sub(before), after.Sub(before))
	}
	if !s.h.Bubble && !strings.Contains(at.String(), " m=") { // a bubble's clock has none
		s.broken("%s Sent has no reading of the monotonic clock", whose)
	}
}

func extendLonger(s *scene) {
	st := s.open()
	r := lasting(s.h.Lease, s.request("k"))
	s.take(st, r)
	at, err := st.Extend(s.ctx, lasting(2*s.h.Lease, r))
	if err != nil {
		s.fatal("Extend by the owner: %v", err)
	}
	_, got := s.takenLate(st, s.request("k"))
	if after := got.Sub(at); after < 2*s.h.Lease {
		s.broken("extended by %v, the key was another's after %v", 2*s.h.Lease, after)
	}
}

func extendShorter(s *scene) {
	st := s.open()
	r := s.request("k")
	s.take(st, r)
	at, err := st.Extend(s.ctx, lasting(s.h.Lease, r))
	if err != nil {
		s.fatal("Extend by the owner: %v", err)
	}
	_, got := s.takenLate(st, s.request("k"))
	if after := got.Sub(at); after < s.h.Lease || after > s.h.Lease+s.h.Patience {
		s.broken("shortened to %v, the key was another's after %v", s.h.Lease, after)
	}
}

// ended returns a lease that is over.
func (s *scene) ended(st driver.Store, key string) driver.Request {
	s.t.Helper()
	r := lasting(s.h.Lease, s.request(key))
	s.take(st, r)
	other := s.request(key)
	s.takenLate(st, other)
	s.giveBack(st, other)
	return r
}

func extendEnded(s *scene) {
	st := s.open()
	r := lasting(s.h.Lease, s.request("k"))
	g := s.take(st, r)
	<-time.After(time.Until(g.Sent.Add(s.h.Lease + s.h.Lease/2)))
	_, err := st.Extend(s.ctx, r)
	s.want("Extend after the end, while nobody asked for the key", err, driver.ErrNotHeld)
	s.free(st, "k")
	_, err = st.Extend(s.ctx, s.ended(st, "k"))
	s.want("Extend after another had the key", err, driver.ErrNotHeld)
	s.free(st, "k")
}

func releaseEnded(s *scene) {
	st := s.open()
	r := lasting(s.h.Lease, s.request("k"))
	g := s.take(st, r)
	<-time.After(time.Until(g.Sent.Add(s.h.Lease + s.h.Lease/2)))
	s.want("Release after the end", st.Release(s.ctx, r), driver.ErrNotHeld)
	s.free(st, "k")
}

func forever(s *scene) {
	st := s.open()
	r := lasting(driver.Forever, s.request("k"))
	s.take(st, r)
	<-time.After(2 * s.h.Lease)
	s.refused(st, s.request("k"))
	if _, err := st.Extend(s.ctx, r); err != nil {
		s.broken("Extend to Forever: %v", err)
	}
	s.giveBack(st, r)
	s.free(st, "k")
}

func foreverAndBack(s *scene) {
	st := s.open()
	r := lasting(driver.Forever, s.request("k"))
	s.take(st, r)
	if _, err := st.Extend(s.ctx, lasting(s.h.Lease, r)); err != nil {
		s.fatal("Extend from Forever to %v: %v", s.h.Lease, err)
	}
	s.takenLate(st, s.request("k"))

	r = lasting(s.h.Lease, s.request("other"))
	s.take(st, r)
	if _, err := st.Extend(s.ctx, lasting(driver.Forever, r)); err != nil {
		s.fatal("Extend from %v to Forever: %v", s.h.Lease, err)
	}
	<-time.After(2 * s.h.Lease)
	s.refused(st, s.request("other"))
	s.giveBack(st, r)
}

func tooShort(s *scene) {
	st := s.open()
	least := st.Features().MinLease
	for _, lease := range []time.Duration{least - 1, 0, -time.Second} {
		_, err := st.TryAcquire(s.ctx, lasting(lease, s.request("k")))
		if !errors.Is(err, driver.ErrInvalidRequest) {
			s.broken("a lease of %v, where MinLease is %v: %v", lease, least, err)
		}
	}
	s.free(st, "k")
	r := s.request("k")
	s.take(st, r)
	_, err := st.Extend(s.ctx, lasting(least-1, r))
	s.want("Extend by less than MinLease", err, driver.ErrInvalidRequest)
	s.refused(st, s.request("k"))
}

func shortest(s *scene) {
	st := s.open()
	g := s.take(st, lasting(st.Features().MinLease, s.request("k")))
	_, at := s.takenLate(st, s.request("k"))
	if after := at.Sub(g.Sent); after < st.Features().MinLease {
		s.broken("the key was another's %v after Sent, the lease is %v", after, st.Features().MinLease)
	}
}
