package drivertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var features = []promised{
	{"Features makes sense and never changes", featuresStay},
	{"MaxHeld leases can be held, and one more is ErrUnavailable", maxHeld},
	{"Ping is nil where a lock can be had, and holds nothing", pings},
	{"Warnings say what may happen", warnings},
}

func featuresStay(s *scene) {
	st, other := s.open(), s.open()
	f := st.Features()
	if f.MinLease < time.Millisecond || f.MaxHeld < 0 {
		s.broken("%+v: MinLease is at least a millisecond, and MaxHeld not negative", f)
	}
	if f.MinLease > s.h.Lease {
		s.t.Fatalf("drivertest: Harness.Lease is %v, this store's MinLease is %v", s.h.Lease, f.MinLease)
	}
	s.take(st, s.request("k"))
	if again := st.Features(); again != f {
		s.broken("%+v, then %+v", f, again)
	}
	if beside := other.Features(); beside != f {
		s.broken("%+v and %+v of two stores on one backend", f, beside)
	}
}

func maxHeld(s *scene) {
	st := s.open()
	most := st.Features().MaxHeld
	if most == 0 {
		s.t.Skip("only memory limits what this store holds: Features().MaxHeld is 0")
	}
	var held []driver.Request
	for n := range most {
		r := s.request(fmt.Sprint("k", n))
		s.take(st, r)
		held = append(held, r)
	}
	_, err := st.TryAcquire(s.ctx, s.request("one more"))
	s.want(fmt.Sprintf("lease %d", most+1), err, driver.ErrUnavailable)
	s.giveBack(st, held[0])
	s.take(st, s.request("in its place"))
	for _, r := range held[1:] {
		s.giveBack(st, r)
	}
}

func pings(s *scene) {
	st, other := s.open(), s.open()
	p, ok := st.(driver.Pinger)
	if !ok {
		s.t.Skip("this store has no driver.Pinger")
	}
	held := s.request("k")
	s.take(st, held)
	for range 3 {
		if err := p.Ping(s.ctx); err != nil {
			s.broken("Ping of a store that grants locks: %v", err)
		}
	}
	if i, ok := other.(driver.Inspector); ok {
		for info, err := range i.List(s.ctx, "") {
			if !errors.Is(err, driver.ErrUnsupported) && (err != nil || info.Key != held.Key) {
				s.broken("after a Ping, List yields %s: %v", show(info.Key), err)
			}
		}
	}
	s.refused(other, s.request("k"))
	s.giveBack(st, held)
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	s.want("Ping with a context that has ended", p.Ping(ended), context.Canceled)
	s.closes(st)
	s.want("Ping of a closed store", p.Ping(s.ctx), driver.ErrClosed)
}

func warnings(s *scene) {
	w, ok := s.open().(driver.Warner)
	if !ok {
		s.t.Skip("this store has no driver.Warner")
	}
	for _, err := range w.Warnings() {
		if err == nil || err.Error() == "" || errors.Is(err, driver.ErrUnfit) {
			s.broken("%v", err)
		}
	}
}
