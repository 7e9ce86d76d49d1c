package drivertest

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// brief is r by one who takes a lease that is shorter at first.
func brief(r driver.Request) driver.Request {
	r.Brief = true
	return r
}

// handOver has st hand the key from one to the next, who is brief or not.
func (s *scene) handOver(st driver.Store, r driver.Request) *waiting {
	s.t.Helper()
	holder := s.request(r.Key)
	s.take(st, holder)
	w := s.wait(st, r)
	s.giveBack(st, holder)
	s.granted(w)
	return w
}

func notBrief(s *scene) {
	st := s.open()
	s.waiter(st)
	if g := s.handOver(st, s.request("k")).grant; g.Lease != 0 {
		s.broken("Grant.Lease is %v, and the request was not Brief", g.Lease)
	}
	r := brief(s.request("free"))
	if g := s.take(st, r); g.Lease != 0 {
		s.broken("Grant.Lease of a key that was not waited for is %v", g.Lease)
	}
}

func briefExtended(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	w := s.handOver(st, brief(s.request("k")))
	g := w.grant
	if g.Lease < 0 || g.Lease > long/2 {
		s.fatal("Grant.Lease is %v of %v", g.Lease, long)
	}
	if g.Lease == 0 {
		return // as long as it was asked for: the other cases are about that
	}
	if i, ok := st.(driver.Inspector); ok {
		s.holds(i, "k", w)
	}
	if _, err := st.Extend(s.ctx, w.request); err != nil {
		s.fatal("Extend: %v", err)
	}
	<-time.After(time.Until(g.Sent.Add(g.Lease + s.h.Lease/2)))
	s.refused(other, s.request("k"))
	s.giveBack(st, w.request)
}

// holds checks that Inspect shows a waiter as the holder as soon as it is one.
func (s *scene) holds(i driver.Inspector, key string, w *waiting) {
	s.t.Helper()
	info, err := i.Inspect(s.ctx, key)
	if err != nil {
		s.unsupported(err)
		s.fatal("Inspect: %v", err)
	}
	if len(info.Holders) != 1 || info.Holders[0].Holder != w.request.Holder || info.Holders[0].Token != w.grant.Token {
		s.broken("Inspect shows %+v, want %+v with token %d", info.Holders, w.request.Holder, w.grant.Token)
	}
}

func briefLeftAlone(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	w := s.handOver(st, brief(s.request("k")))
	if w.grant.Lease == 0 {
		return
	}
	next := s.request("k")
	g, at := s.takenLate(other, next)
	if after := at.Sub(w.grant.Sent); after < w.grant.Lease {
		s.broken("granted to the next %v after Sent, the lease was %v", after, w.grant.Lease)
	}
	if last := w.grant.Token + uint64(w.grant.Spare); g.Token <= last && st.Features().Fencing {
		s.broken("token %d after %d", g.Token, last)
	}
	_, err := st.Extend(s.ctx, w.request)
	s.want("Extend after its end", err, driver.ErrNotHeld)
	s.want("Release after its end", st.Release(s.ctx, w.request), driver.ErrNotHeld)
	s.giveBack(other, next)
}
