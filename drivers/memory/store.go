package memory

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/losses"
)

// minLease is the shortest lease: below it, the time that a call takes counts.
const minLease = time.Millisecond

// A Store is a store of this process's memory: a private one, or one of several
// that share a name. It is safe for concurrent use.
type Store struct {
	backend *backend
	closed  atomic.Bool // set before Close looks into the first shard
	closing sync.Once
	losses  losses.Listeners
}

var (
	_ driver.Driver    = memoryDriver{}
	_ driver.Connector = connector("")
	_ driver.Store     = (*Store)(nil)
	_ driver.Waiter    = (*Store)(nil)
	_ driver.Batcher   = (*Store)(nil)
	_ driver.Keeper    = (*Store)(nil)
	_ driver.Inspector = (*Store)(nil)
	_ driver.Notifier  = (*Store)(nil)
	_ driver.Pinger    = (*Store)(nil)
)

// Features tells that the store gives tokens and serves waiters in order, and that
// only memory limits how much it holds. Nothing arrives late here, but it is not said
// to be Ordered: what stands around a Store, as in tests, may delay its calls, and
// nothing is gained where no answer is ever lost.
func (s *Store) Features() driver.Features {
	return driver.Features{Fencing: true, FIFO: true, MinLease: minLease}
}

// Ping tells whether s is open: then locks can be had.
func (s *Store) Ping(ctx context.Context) error { return s.check(ctx) }

// Format prints a store as "memory.Store", whatever the verb. What is in it is
// other goroutines' too, and package fmt would look at it without their mutexes.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "memory.Store") }

// check is what calls with a key begin with, when theirs was found valid. A
// Store that is open here may be closed a moment later: whoever adds something
// to a shard looks again once the shard is locked.
func (s *Store) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return driver.ErrClosed
	}
	return nil
}

func (s *Store) checkKey(ctx context.Context, key string) error {
	if err := driver.CheckKey(key); err != nil {
		return err
	}
	return s.check(ctx)
}

func (s *Store) checkLease(ctx context.Context, r *driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := r.CheckLease(minLease); err != nil {
		return err
	}
	return s.check(ctx)
}
