package memory

import (
	"context"

	"github.com/concurrent-go/concurrent/driver"
)

// TryAcquire grants the key if there is room and nobody waits for it.
func (s *Store) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.checkLease(ctx, &r); err != nil {
		return driver.Grant{}, err
	}
	sh := s.backend.shard(r.Key)
	m := s.backend.now()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	g, e, err := s.grant(sh, &r, m)
	if e != nil {
		return driver.Grant{}, e.held(r.Mode, m)
	}
	return g, err
}

// Acquire is TryAcquire, but waits in line while the key is held.
func (s *Store) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.checkLease(ctx, &r); err != nil {
		return driver.Grant{}, err
	}
	sh := s.backend.shard(r.Key)
	m := s.backend.now()
	sh.mu.Lock()
	g, e, err := s.grant(sh, &r, m)
	if e == nil {
		sh.mu.Unlock()
		return g, err
	}
	w := sh.join(e, s, &r, m)
	var held *driver.HeldError
	if r.OnHeld != nil && len(e.leases) > 0 {
		held = e.held(r.Mode, m)
	}
	sh.mu.Unlock()
	if held != nil {
		r.OnHeld(held)
	}
	select {
	case <-w.done:
		return w.outcome()
	case <-ctx.Done():
		return sh.giveUp(w, ctx.Err())
	}
}

// grant grants what r asks for, or returns the entry that is in its way. The
// shard is locked. m was read before that, so that others need not wait for the
// clock: the lease counts from m, here and for its holder.
func (s *Store) grant(sh *shard, r *driver.Request, m moment) (driver.Grant, *entry, error) {
	if s.closed.Load() {
		return driver.Grant{}, nil, driver.ErrClosed
	}
	e := sh.at(r.Key, m.ns)
	if e == nil {
		return sh.add(r.Key, m.ns).grant(s, r, m), nil, nil
	}
	if i := e.find(r.Owner); i >= 0 {
		return s.again(sh, e, i, r, m)
	}
	if e.queue == nil && e.fits(r.Mode) {
		return e.grant(s, r, m), nil, nil
	}
	return driver.Grant{}, e, nil
}

// again grants a lease to its owner once more, from m on.
func (s *Store) again(sh *shard, e *entry, i int, r *driver.Request, m moment) (driver.Grant, *entry, error) {
	if e.leases[i].mode != r.Mode {
		return driver.Grant{}, nil, e.leases[i].otherMode(r.Mode)
	}
	sh.renew(e, i, end(m.ns, r.Lease))
	e.leases[i].store = s
	return driver.Grant{Token: e.leases[i].token, Spare: spare, Sent: m.t}, nil, nil
}
