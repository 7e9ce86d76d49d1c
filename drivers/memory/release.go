package memory

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Release gives the key to the next in line, or makes it free.
func (s *Store) Release(ctx context.Context, r driver.Request) error {
	if err := ctx.Err(); err != nil {
		return cmp.Or(r.Check(), err)
	}
	sh := s.backend.shard(r.Key)
	now := s.backend.clock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, i, err := s.own(sh, &r, now)
	if err != nil {
		// A request that names a lease needs no check: it was granted so.
		return cmp.Or(r.Check(), err)
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
	now := s.backend.clock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, i, err := s.own(sh, &r, now)
	if err != nil {
		return err
	}
	e.keep(i)
	if r.Lease > 0 {
		sh.renew(e, i, end(now, r.Lease))
	}
	return nil
}
