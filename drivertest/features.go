package drivertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var features = []promised{
	{"Features makes sense and never changes", featuresStay},
	{"MaxHeld leases can be held, and one more is ErrUnavailable", maxHeld},
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
