package memory

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// minLease is the shortest lease: below it, the time that a call takes counts.
const minLease = time.Millisecond

// A Store is a memory store, or one of several that share a name. It is safe
// for concurrent use.
type Store struct {
	backend *backend
	closed  atomic.Bool

	listening sync.RWMutex
	listeners map[int]func(driver.Loss)
	lastAdded int
}

var (
	_ driver.Store     = (*Store)(nil)
	_ driver.Waiter    = (*Store)(nil)
	_ driver.Batcher   = (*Store)(nil)
	_ driver.Keeper    = (*Store)(nil)
	_ driver.Inspector = (*Store)(nil)
	_ driver.Notifier  = (*Store)(nil)
)

// Features tells that the store gives tokens and serves waiters in order.
func (s *Store) Features() driver.Features {
	return driver.Features{Fencing: true, FIFO: true, MinLease: minLease}
}

// check is what every call begins with. That the store is open is looked at
// again under the shard's mutex, which Close takes after it was marked.
func (s *Store) check(ctx context.Context, r *driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.closed.Load() {
		return driver.ErrClosed
	}
	return nil
}

// TryAcquire grants the key if there is room and nobody waits for it.
func (s *Store) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, _, err := s.take(ctx, &r, false)
	return g, err
}

// take grants the key, or queues up for it if wait is set and it is held.
func (s *Store) take(ctx context.Context, r *driver.Request, wait bool) (driver.Grant, *waiter, error) {
	if err := s.check(ctx, r); err != nil {
		return driver.Grant{}, nil, err
	}
	if err := r.CheckLease(minLease); err != nil {
		return driver.Grant{}, nil, err
	}
	sh := s.backend.shard(r.Key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.closed.Load() {
		return driver.Grant{}, nil, driver.ErrClosed
	}
	sent := time.Now()
	now := s.backend.since(sent)
	e := sh.entry(r.Key, now)
	if len(e.holders) > 0 && e.expire(now) && e.queue != nil {
		sh.settle(e, now)
		e = sh.entry(r.Key, now)
	}
	switch i := e.find(r.Owner); {
	case i >= 0 && e.mode != r.Mode:
		return driver.Grant{}, nil, fmt.Errorf("%w: this owner holds the key in mode %v already", driver.ErrInvalidRequest, e.mode)
	case i >= 0:
		e.holders[i].until = until(now, r.Lease)
		return driver.Grant{Token: e.holders[i].token, Spare: spare, Sent: sent}, nil, nil
	case e.queue == nil && e.fits(r.Mode):
		return e.grant(s, r, sent, now), nil, nil
	case !wait:
		return driver.Grant{}, nil, e.held(r.Mode, now)
	}
	w := e.join(s, r)
	sh.arm(e, now)
	return driver.Grant{}, w, nil
}

// own calls f with the entry and place of a lease that is held, under the
// shard's mutex.
func (s *Store) own(ctx context.Context, r *driver.Request, f func(sh *shard, e *entry, i int, now int64)) error {
	if err := s.check(ctx, r); err != nil {
		return err
	}
	sh := s.backend.shard(r.Key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.closed.Load() {
		return driver.ErrClosed
	}
	now := s.backend.now()
	e := sh.entries[r.Key]
	if e == nil {
		return driver.ErrNotHeld
	}
	i := e.find(r.Owner)
	if i < 0 || e.holders[i].until <= now || e.mode != r.Mode {
		return driver.ErrNotHeld
	}
	f(sh, e, i, now)
	return nil
}

// Extend makes the lease end r.Lease from now.
func (s *Store) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	sent := time.Now()
	return sent, s.extend(ctx, &r)
}

func (s *Store) extend(ctx context.Context, r *driver.Request) error {
	if err := r.CheckLease(minLease); err != nil {
		return err
	}
	return s.own(ctx, r, func(sh *shard, e *entry, i int, now int64) {
		e.holders[i].until = until(now, r.Lease)
		if e.queue != nil {
			sh.arm(e, now)
		}
	})
}

// ExtendAll extends one lease after another, which needs no round trip here.
func (s *Store) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent := time.Now()
	var errs []error
	for i := range rs {
		if err := s.extend(ctx, &rs[i]); err != nil {
			if errs == nil {
				errs = make([]error, len(rs))
			}
			errs[i] = err
		}
	}
	return sent, errs
}

// Release gives the key to the next in line, or makes it free.
func (s *Store) Release(ctx context.Context, r driver.Request) error {
	return s.own(ctx, &r, func(sh *shard, e *entry, i int, now int64) {
		e.remove(i)
		sh.settle(e, now)
	})
}

// Keep leaves the key held by nobody.
func (s *Store) Keep(ctx context.Context, r driver.Request) error {
	if r.Lease < 0 {
		return fmt.Errorf("%w: lease must not be negative; is %v", driver.ErrInvalidRequest, r.Lease)
	}
	return s.own(ctx, &r, func(sh *shard, e *entry, i int, now int64) {
		h := e.holders[i]
		e.remove(i)
		h.owner, h.store = "", nil
		if r.Lease > 0 {
			h.until = until(now, r.Lease)
		}
		e.add(h)
		if e.queue != nil {
			sh.arm(e, now)
		}
	})
}

// Close releases what was granted through s and ends its waits.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	for i := range s.backend.shards {
		sh := &s.backend.shards[i]
		sh.mu.Lock()
		now := s.backend.now()
		for _, e := range sh.entries {
			s.leave(sh, e, now)
		}
		sh.mu.Unlock()
	}
	return nil
}

// leave takes everything of s out of e.
func (s *Store) leave(sh *shard, e *entry, now int64) {
	changed := e.removeIf(func(h *holder) bool { return h.store == s })
	if e.queue != nil {
		for at := e.queue.waiters.Front(); at != nil; {
			w := at.Value.(*waiter)
			at = at.Next()
			if w.store == s {
				w.err, changed = driver.ErrClosed, true
				e.queue.leave(w)
			}
		}
	}
	if changed {
		sh.settle(e, now)
	}
}
