package drivertest

import (
	"errors"
	"fmt"
	"sync"
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
	rs := s.takeTogether(st, 50)
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

// takeTogether takes n keys for s.h.Lease, at one time, so that the first lease is not
// over before the last one begins, and returns the requests that make them long.
func (s *scene) takeTogether(st driver.Store, n int) []driver.Request {
	s.t.Helper()
	rs, errs := make([]driver.Request, n), make([]error, n)
	var all sync.WaitGroup
	for i := range rs {
		r := lasting(s.h.Lease, s.request(fmt.Sprint("k", i)))
		rs[i] = lasting(long, r)
		all.Go(func() { _, errs[i] = st.TryAcquire(s.ctx, r) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.fatal("TryAcquire of a free key: %v", err)
	}
	return rs
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
