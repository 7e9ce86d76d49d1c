package drivertest

import (
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var batches = []promised{
	{"ExtendAll extends every lease, and errs is nil", extendAll},
	{"ExtendAll tells which leases it did not extend, and extends the others", extendSome},
	{"ExtendAll of nothing is no error", extendNone},
}

func (s *scene) batcher(st driver.Store) driver.Batcher {
	s.t.Helper()
	b, ok := st.(driver.Batcher)
	if !ok {
		s.t.Skip("this store has no driver.Batcher")
	}
	_, errs := b.ExtendAll(s.ctx, []driver.Request{s.request("free")})
	if len(errs) == 1 {
		s.unsupported(errs[0])
	}
	return b
}

func extendAll(s *scene) {
	st := s.open()
	b := s.batcher(st)
	var rs []driver.Request
	for n := range 50 {
		r := lasting(s.h.Lease, s.request(fmt.Sprint("k", n)))
		s.take(st, r)
		rs = append(rs, lasting(long, r))
	}
	before := time.Now()
	sent, errs := b.ExtendAll(s.ctx, rs)
	if errs != nil {
		s.fatal("errs: %v", errs)
	}
	s.isBetween("ExtendAll's", before, sent, time.Now())
	<-time.After(s.h.Lease + s.h.Lease/2)
	for _, r := range rs {
		s.refused(st, s.request(r.Key))
		s.giveBack(st, r)
	}
}

func extendSome(s *scene) {
	st := s.open()
	b := s.batcher(st)
	held, released, stranger := s.request("held"), s.request("released"), s.request("held")
	shared, slot := in(driver.Shared, s.request("shared")), in(driver.Slots(2), s.request("slot"))
	for _, r := range []driver.Request{held, released, shared, slot} {
		s.take(st, r)
	}
	s.giveBack(st, released)
	short := lasting(st.Features().MinLease-1, held)
	rs := []driver.Request{held, released, stranger, short, shared, slot}
	_, errs := b.ExtendAll(s.ctx, rs)
	if len(errs) != len(rs) {
		s.fatal("%d errors for %d requests", len(errs), len(rs))
	}
	for i, want := range []error{nil, driver.ErrNotHeld, driver.ErrNotHeld, driver.ErrInvalidRequest, nil, nil} {
		s.want(fmt.Sprintf("request %d", i), errs[i], want)
	}
	for _, r := range []driver.Request{held, shared, slot} {
		s.giveBack(st, r)
	}
}

func extendNone(s *scene) {
	b := s.batcher(s.open())
	if _, errs := b.ExtendAll(s.ctx, nil); errs != nil {
		s.broken("errs: %v", errs)
	}
}
