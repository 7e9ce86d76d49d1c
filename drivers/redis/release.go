package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// minKeep is the shortest time for which Keep leaves a key held.
const minKeep = time.Millisecond

// Release ends the lease and wakes the first in line. Where an earlier try of
// the same call was not answered, a lease that is not there was released by it.
func (s *Store) Release(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.released(ctx, &r, s.call(ctx, script.Release, r.Key, s.ending(r.Mode), r.Owner))
}

// Keep leaves the key held by nobody.
func (s *Store) Keep(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Lease < minKeep && r.Lease != 0 {
		return fmt.Errorf("%w: a key is kept for at least %v, or until its lease would have ended if that is 0; is %v",
			driver.ErrInvalidRequest, minKeep, r.Lease)
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	micros, _ := lease(r.Lease)
	return s.released(ctx, &r, s.call(ctx, script.Keep, r.Key, []any{int(r.Mode), micros}, r.Owner))
}

// released reads the reply of a script that ends a lease.
func (s *Store) released(ctx context.Context, r *driver.Request, a callResult) error {
	if a.err != nil {
		return a.err
	}
	done, err := reply.Done(a.numbers)
	if err != nil {
		return s.failed(ctx, err)
	}
	s.grants.remove(r.Key, r.Owner)
	if !done && !a.again {
		return driver.ErrNotHeld
	}
	return nil
}
