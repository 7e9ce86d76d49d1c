package file

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Release ends the lease of (r.Key, r.Owner) and calls who waits.
func (s *Store) Release(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	return s.release(ctx, s.closing, &r)
}

func (s *Store) release(ctx context.Context, closing <-chan struct{}, r *driver.Request) error {
	i := shardOf(r.Key)
	return s.visitUntil(ctx, closing, i, func(v *visit) error {
		e, err := v.entry(r.Key)
		if err != nil {
			return err
		}
		if v.owned(e, r) == nil {
			return driver.ErrNotHeld
		}
		e.drop(r.Owner)
		v.dirty = true
		v.saved = append(v.saved, func() { s.forget(i, name{r.Key, r.Owner}) })
		return nil
	})
}

// Keep leaves the key held by nobody. What is kept outlives the store, the
// process and, by the wall clock, the machine.
func (s *Store) Keep(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Lease != 0 {
		if err := r.CheckLease(time.Millisecond); err != nil {
			return err
		}
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	i := shardOf(r.Key)
	return s.visit(ctx, i, func(v *visit) error {
		e, err := v.entry(r.Key)
		if err != nil {
			return err
		}
		h := v.owned(e, &r)
		if h == nil {
			return driver.ErrNotHeld
		}
		h.kept = true
		if r.Lease != 0 {
			h.until = after(v.now, r.Lease)
		}
		v.dirty = true
		v.saved = append(v.saved, func() { s.forget(i, name{r.Key, r.Owner}) })
		return nil
	})
}
