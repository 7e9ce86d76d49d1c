package memory

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// Release gives the key to the next in line, or makes it free.
func (s *Store) Release(ctx context.Context, r driver.Request) error {
	if err := ctx.Err(); err != nil {
		return cmp.Or(r.Check(), err)
	}
	err := s.ReleaseAt(r.Key, r.Owner, r.Mode, clock.Now())
	if err != nil {
		// A request that names a lease needs no check: it was granted so.
		return cmp.Or(r.Check(), err)
	}
	return nil
}

// ReleaseAt is Release for package locks, which has read the clock already.
func (s *Store) ReleaseAt(key, owner string, mode driver.Mode, now clock.Instant) error {
	sh := s.backend.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, i, err := s.own(sh, key, owner, mode, now.Mono)
	if err != nil {
		return err
	}
	e.remove(i)
	sh.settle(e)
	return nil
}

// minKeep is the shortest time for which Keep leaves a key held.
const minKeep = time.Millisecond

// Keep leaves the key held by nobody.
func (s *Store) Keep(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Lease < minKeep && r.Lease != 0 {
		return fmt.Errorf("%w: a key is kept for at least %v, or until its lease would have ended if that is 0; is %v",
			driver.ErrInvalidRequest, minKeep, r.Lease)
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	sh := s.backend.shard(r.Key)
	now := clock.Mono()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, i, err := s.own(sh, r.Key, r.Owner, r.Mode, now)
	if err != nil {
		return err
	}
	e.keep(i)
	if r.Lease > 0 {
		sh.renew(e, i, end(now, r.Lease))
	}
	return nil
}
