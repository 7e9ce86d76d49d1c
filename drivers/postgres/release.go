package postgres

import (
	"context"

	"github.com/concurrent-go/concurrent/driver"
)

// Release gives the lock back, and tells who waits for it.
func (s *Store) Release(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b := s.backend
	b.mu.Lock()
	if s.shut {
		b.mu.Unlock()
		return driver.ErrClosed
	}
	l := b.leaseOf(s.number(r.Key), &r)
	if l == nil {
		b.mu.Unlock()
		return driver.ErrNotHeld
	}
	done, err := newSignal(), error(nil)
	b.giveUp(l, func(o *op) {
		if o != nil {
			err = released(o)
		}
		close(done)
	})
	b.unlockToWait()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// released returns how an op that gives back ended.
func released(o *op) error {
	switch {
	case o.err != nil:
		return o.err
	case o.code == notHeld:
		return driver.ErrNotHeld
	}
	return nil
}
