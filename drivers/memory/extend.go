package memory

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// Extend makes the lease end r.Lease from now.
func (s *Store) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	m := s.backend.now()
	if err := s.extend(ctx, &r, m.ns); err != nil {
		return time.Time{}, err
	}
	return m.t, nil
}

// extend makes a lease end r.Lease from now.
func (s *Store) extend(ctx context.Context, r *driver.Request, now int64) error {
	if err := s.checkLease(ctx, r); err != nil {
		return err
	}
	sh := s.backend.shard(r.Key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, i, err := s.own(sh, r.Key, r.Owner, r.Mode, now)
	if err == nil {
		sh.renew(e, i, end(now, r.Lease))
	}
	return err
}

// own returns the place of owner's lease. The shard is locked.
func (s *Store) own(sh *shard, key, owner string, mode driver.Mode, now int64) (*entry, int, error) {
	if s.closed.Load() {
		return nil, 0, driver.ErrClosed
	}
	e := sh.at(key, now)
	if e == nil || owner == "" {
		return nil, 0, driver.ErrNotHeld
	}
	i := e.find(owner)
	if i < 0 || e.leases[i].mode != mode {
		return nil, 0, driver.ErrNotHeld
	}
	return e, i, nil
}

// clockEvery is for how many leases of a batch one reading of the clock does:
// less than a millisecond's worth.
const clockEvery = 1024

// ExtendAll extends one lease after another, which needs no round trip here.
// ctx may end it halfway: what was not extended then has ctx's error.
func (s *Store) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	m := s.backend.now()
	now := m.ns
	var errs []error
	for i := range rs {
		if i%clockEvery == clockEvery-1 {
			now = clock.Mono()
		}
		if err := s.extend(ctx, &rs[i], now); err != nil {
			if errs == nil {
				errs = make([]error, len(rs))
			}
			errs[i] = err
		}
	}
	return m.t, errs
}
