package postgres

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Extend makes the lease end r.Lease from now.
func (s *Store) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	sent, errs := s.ExtendAll(ctx, []driver.Request{r})
	if errs != nil {
		return time.Time{}, errs[0]
	}
	return sent, nil
}

// ExtendAll asks each session that has one of the leases whether it is still
// there, all at once: the server knows nothing of leases, but that it answers
// proves that it has freed none.
func (s *Store) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	x := &extension{store: s, requests: rs, errs: make([]error, len(rs)), done: newSignal()}
	for i := range rs {
		x.errs[i] = s.checkLease(ctx, &rs[i])
	}
	x.begin()
	select {
	case <-x.done:
		return x.sent, x.result()
	case <-ctx.Done():
	}
	s.backend.mu.Lock()
	defer s.backend.mu.Unlock()
	if x.left > 0 {
		x.gone = true
		for i := range x.errs {
			x.errs[i] = ctx.Err()
		}
	}
	return x.sent, x.result()
}

// An extension is one call of ExtendAll.
type extension struct {
	store    *Store
	requests []driver.Request
	errs     []error
	left     int // answers to come
	sent     time.Time
	gone     bool // the caller left, with its requests
	done     chan struct{}
}

func (x *extension) result() []error {
	for _, err := range x.errs {
		if err != nil {
			return x.errs
		}
	}
	return nil
}

// extended is a lease that is to be extended.
type extended struct {
	place int
	lease *lease
	by    time.Duration
}

func (x *extension) begin() {
	b := x.store.backend
	b.mu.Lock()
	defer b.unlock()
	x.sent = time.Now()
	all := make(map[*session][]extended, 1)
	for i := range x.requests {
		r := &x.requests[i]
		switch l := b.leaseOf(x.store.number(r.Key), r); {
		case x.errs[i] != nil:
		case x.store.shut:
			x.errs[i] = driver.ErrClosed
		case l == nil:
			x.errs[i] = driver.ErrNotHeld
		default:
			all[l.on] = append(all[l.on], extended{i, l, r.Lease})
		}
	}
	if x.left = len(all); x.left == 0 {
		close(x.done)
	}
	for s, leases := range all {
		shortest := leases[0].by
		for _, l := range leases {
			shortest = min(shortest, l.by)
		}
		b.submitOn(s, &op{kind: ping, lease: shortest, then: func(o *op) { x.answered(o, leases) }})
	}
}

// answered extends the leases of a session that answered.
func (x *extension) answered(o *op, leases []extended) {
	b := x.store.backend
	for _, l := range leases {
		var err error
		switch {
		case l.lease.over:
			err = driver.ErrNotHeld
		case o.err != nil:
			err = o.err
		default:
			b.last(l.lease, o.sent, l.by)
		}
		if !x.gone {
			x.errs[l.place] = err
		}
	}
	if x.left--; x.left == 0 {
		close(x.done)
	}
}

// leaseOf returns who holds what r is about, in its mode, nil for nobody.
func (b *backend) leaseOf(number int64, r *driver.Request) *lease {
	if e := b.entries[number]; e != nil {
		if l := e.find(r.Key, r.Owner); l != nil && l.mode == r.Mode {
			return l
		}
	}
	return nil
}

// sameAgain has an owner who holds the key already, and asks again, have the
// same grant with a new lease, and reports whether it is one.
func (b *backend) sameAgain(e *entry, a *ask) bool {
	r := &a.request
	l := e.find(r.Key, r.Owner)
	switch {
	case l == nil:
		return false
	case l.mode != r.Mode:
		b.finish(a, invalid("this owner holds the key already, in mode %v, and asks for %v", l.mode, r.Mode))
		return true
	}
	b.submitOn(l.on, &op{kind: ping, lease: r.Lease, then: func(o *op) {
		switch {
		case l.over:
			b.finish(a, unavailable("the lease ended while it was asked for again"))
		case o.err != nil:
			b.finish(a, o.err)
		default:
			b.last(l, o.sent, r.Lease)
			a.grant = driver.Grant{Token: l.token, Spare: l.spare(), Sent: o.sent}
			b.finish(a, nil)
		}
	}})
	return true
}
