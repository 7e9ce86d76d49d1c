package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/batch"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/wakeup"
	"github.com/concurrent-go/concurrent/internal/losses"
)

// minLease is the shortest lease: below it, the way to the server counts.
const minLease = 10 * time.Millisecond

// A Store keeps locks on a server, or a Cluster of them. It is safe for
// concurrent use.
type Store struct {
	client  redis.UniversalClient
	own     bool // made here, and closed here
	counted bool // the receivers of a message are counted
	retries int
	address string // for people to read
	secrets reply.Secrets
	warned  []error

	batch  batch.Batcher
	wakeup *wakeup.Subscription
	grants grants
	losses losses.Listeners
	last   atomic.Pointer[terms] // what was asked for last

	closing  sync.Once
	closed   chan struct{} // closed when Close begins
	mu       sync.RWMutex
	shut     bool           // guarded by mu: no call begins any more
	calls    sync.WaitGroup // that began
	cleaning sync.WaitGroup // in the background
	life     context.Context
	endLife  context.CancelFunc // when Close waits no longer
}

var (
	_ driver.Driver    = Driver{}
	_ driver.Connector = (*connector)(nil)
	_ driver.Store     = (*Store)(nil)
	_ driver.Waiter    = (*Store)(nil)
	_ driver.Batcher   = (*Store)(nil)
	_ driver.Keeper    = (*Store)(nil)
	_ driver.Inspector = (*Store)(nil)
	_ driver.Notifier  = (*Store)(nil)
	_ driver.Warner    = (*Store)(nil)
)

// Features tells that the store gives tokens and serves waiters in order, and
// that only the server's memory limits how much it holds.
func (s *Store) Features() driver.Features {
	return driver.Features{Fencing: true, FIFO: true, MinLease: minLease}
}

// Warnings tells what Open found that may be meant but weakens the store.
func (s *Store) Warnings() []error { return s.warned }

// begin counts a call in, which end counts out. Close waits for them.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.shut {
		return driver.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) end() { s.calls.Done() }

// isClosed reports whether Close was called.
func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
