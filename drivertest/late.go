package drivertest

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// The cases here have a request arrive after ones that were sent later. Whoever
// sent it was told that it failed, or the driver sent it again by itself.
var late = []promised{
	{"an Extend that was given up shortens no lease that was extended later, where Features says Ordered", lateExtend},
	{"an acquisition that was given up does not come back after its Release, where Features says Ordered", lateAcquire},
	{"what the driver repeats by itself never brings back a lease after its Release", repeatedThenReleased},
	{"what the driver repeats by itself never shortens a lease that was extended later", repeatedThenExtended},
	{"a request that arrives late touches no other owner's lease", lateForAnother},
}

// held opens stores on a line, and returns what holds its next request back.
func (s *scene) held() (st, other driver.Store, hold func() (deliver func())) {
	s.t.Helper()
	if s.h.Late == nil {
		s.t.Skip("no request can be held back here: Harness.Late is nil")
	}
	b := s.h.Late(s.t)
	s.opens = b.Open
	return s.open(), s.open(), func() func() {
		deliver := b.Hold()
		return func() {
			if !deliver() {
				s.t.Fatal("drivertest: Harness.Late held nothing back: it shows nothing so")
			}
		}
	}
}

func (s *scene) ordered(st driver.Store) {
	s.t.Helper()
	if !st.Features().Ordered {
		s.t.Skip("requests of this store may arrive late, which package locks counts with: Features().Ordered is false")
	}
}

// within calls f with a context that ends after d.
func (s *scene) within(d time.Duration, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, d)
	defer cancel()
	return f(ctx)
}

// givesUp calls f for a while, which it does not suffice for if what it sends is
// held back.
func (s *scene) givesUp(f func(ctx context.Context) error) {
	_ = s.within(s.h.Lease/4, f)
}

// insists calls f until it is answered, beside deliver, which it may have to wait
// for: on a line that keeps the order, what is sent later waits for what was held
// back. It returns nil or ErrNotHeld.
func (s *scene) insists(deliver func(), f func(ctx context.Context) error) error {
	s.t.Helper()
	answered := make(chan error, 1)
	go func() {
		for {
			err := s.within(s.h.Lease, f)
			if err == nil || errors.Is(err, driver.ErrNotHeld) || s.ctx.Err() != nil {
				answered <- err
				return
			}
			<-time.After(s.h.Lease / 20)
		}
	}()
	select {
	case err := <-answered:
		deliver()
		return err
	case <-time.After(2 * s.h.Lease):
		deliver()
	}
	select {
	case err := <-answered:
		return err
	case <-time.After(s.h.Patience):
		s.fatal("not answered within %v after what was held back had arrived", s.h.Patience)
		return nil
	}
}

// mostly is how long package locks waits for an answer at most.
const mostly = 5 * time.Second

func extends(st driver.Store, r driver.Request) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := st.Extend(ctx, r)
		return err
	}
}

func acquires(st driver.Store, r driver.Request) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := st.TryAcquire(ctx, r)
		return err
	}
}

func releases(st driver.Store, r driver.Request) func(context.Context) error {
	return func(ctx context.Context) error { return st.Release(ctx, r) }
}

// staysHeld checks that a key is held for longer than a short lease.
func (s *scene) staysHeld(st driver.Store, key string) {
	s.t.Helper()
	<-time.After(s.h.Lease + s.h.Lease/2)
	s.refused(st, s.request(key))
}

func lateExtend(s *scene) {
	st, other, hold := s.held()
	s.ordered(st)
	r := s.request("k")
	s.take(st, r)
	deliver := hold()
	s.givesUp(extends(st, lasting(s.h.Lease, r)))
	if err := s.insists(deliver, extends(st, r)); err != nil {
		return // the driver ended the lease rather than be unsure of it
	}
	s.staysHeld(other, "k")
}

func lateAcquire(s *scene) {
	st, other, hold := s.held()
	s.ordered(st)
	r := s.request("k")
	deliver := hold()
	s.givesUp(acquires(st, r))
	if err := s.insists(deliver, releases(st, r)); err != nil {
		s.want("Release of what may have been granted", err, driver.ErrNotHeld)
	}
	s.takenLate(other, s.request("k")) // the driver may give it back by itself, which takes a moment
}

func repeatedThenReleased(s *scene) {
	st, other, hold := s.held()
	for name, send := range map[string]func(driver.Store, driver.Request) func(context.Context) error{
		"acquired": acquires, "extended": extends,
	} {
		r := s.request(name)
		if name == "extended" {
			s.take(st, r)
		}
		deliver := hold()
		sent := s.within(mostly, send(st, r))
		released := s.insists(deliver, releases(st, r))
		if sent == nil && released == nil {
			s.free(other, name)
		} // else the driver did not repeat it: it is for package locks to mind
	}
}

func repeatedThenExtended(s *scene) {
	st, other, hold := s.held()
	r := s.request("k")
	s.take(st, r)
	deliver := hold()
	sent := s.within(mostly, extends(st, lasting(s.h.Lease, r)))
	extended := s.insists(deliver, extends(st, r))
	if sent == nil && extended == nil {
		s.staysHeld(other, "k")
	}
}

func lateForAnother(s *scene) {
	st, other, hold := s.held()
	r, next := s.request("k"), s.request("k")
	s.take(st, r)
	deliver := hold()
	s.givesUp(extends(st, lasting(s.h.Lease, r)))
	taken := false
	_ = s.insists(func() {
		// The first may have given the key back already: then it is another's.
		taken = s.within(s.h.Lease, acquires(other, next)) == nil
		deliver()
	}, releases(st, r))
	if !taken {
		s.takenLate(other, next)
	}
	s.staysHeld(st, "k")
	if _, err := other.Extend(s.ctx, next); err != nil {
		s.broken("Extend by the owner that has the key now: %v", err)
	}
	s.giveBack(other, next)
}
