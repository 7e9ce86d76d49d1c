package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/losses"
)

// minLease is the shortest lease: the server ends no session earlier.
var minLease = idles[0]

// A Store keeps locks on a server. It is safe for concurrent use.
type Store struct {
	backend *backend
	losses  losses.Listeners
	shut    bool // guarded by backend.mu: no call begins any more
	closing sync.Once
}

var (
	_ driver.Driver    = Driver{}
	_ driver.Connector = (*connector)(nil)
	_ driver.Store     = (*Store)(nil)
	_ driver.Waiter    = (*Store)(nil)
	_ driver.Batcher   = (*Store)(nil)
	_ driver.Keeper    = (*Store)(nil)
	_ driver.Inspector = (*Store)(nil)

	_ driver.KeepChecker = (*Store)(nil)
	_ driver.Notifier    = (*Store)(nil)
	_ driver.Warner      = (*Store)(nil)
)

func newStore(b *backend) *Store { return &Store{backend: b} }

// Features tells that the store serves its waiters in order, and how many
// leases the server has room for.
func (s *Store) Features() driver.Features {
	return driver.Features{
		Fencing: s.backend.options.fencing, FIFO: true,
		MinLease: minLease, MaxHeld: s.backend.most,
	}
}

// Warnings tells what Open found that may be meant but weakens the store.
func (s *Store) Warnings() []error { return s.backend.warned }

// NotifyLost has f told of leases that were broken, or gone with their session.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) { return s.losses.Add(f) }

func (s *Store) number(key string) int64 {
	return s.backend.options.number(s.backend.options.schema, key)
}

func (s *Store) checkLease(ctx context.Context, r *driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := r.CheckLease(minLease); err != nil {
		return err
	}
	return ctx.Err()
}

// TryAcquire asks once. Of a key that this process holds it knows without
// asking the server.
func (s *Store) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.checkLease(ctx, &r); err != nil {
		return driver.Grant{}, err
	}
	return s.backend.acquire(ctx, s, &r, false)
}

// Acquire waits in this process's line. Its first asks the server, marks the key
// there if it is held, and asks again when it is told of a release.
func (s *Store) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.checkLease(ctx, &r); err != nil {
		return driver.Grant{}, err
	}
	return s.backend.acquire(ctx, s, &r, true)
}

// closeStep is how long Close waits for the server.
const closeStep = 2 * time.Second

// Close ends waits with ErrClosed and gives back what is held. Where the server
// can't be reached, its sessions end, there, after their idle time.
func (s *Store) Close() error {
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeStep)
		defer cancel()
		left := s.shutDown()
		for _, done := range left {
			select {
			case <-done:
			case <-ctx.Done():
			}
		}
		shared.put(s.backend)
	})
	return nil
}

// shutDown has no call begin any more, ends those that wait, and gives up every
// lease. It returns what is closed when each was given back.
func (s *Store) shutDown() []chan struct{} {
	b := s.backend
	b.mu.Lock()
	defer b.unlock()
	s.shut = true
	var left []chan struct{}
	for _, e := range b.entries {
		all := append(append([]*ask(nil), e.line...), e.quick...)
		if e.asked != nil {
			all = append(all, e.asked)
		}
		for _, a := range all {
			if a.store == s {
				b.finish(a, driver.ErrClosed)
				if a != e.asked {
					e.leaveLine(a)
				}
			}
		}
		for _, l := range append([]*lease(nil), e.leases...) {
			if l.store == s {
				done := newSignal()
				left = append(left, done)
				b.giveUp(l, func(*op) { close(done) })
			}
		}
		b.wake(e)
	}
	return left
}
