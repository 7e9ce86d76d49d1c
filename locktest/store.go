package locktest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// A store is a memory store that can be down or slow, and knows what the code
// under test has asked for and not given back.
type store struct {
	alias  string
	memory *memory.Store

	mu     sync.Mutex
	slow   time.Duration
	downs  int  // calls of goDown whose up was not called
	closed bool // for ever
	line   context.Context
	cut    context.CancelCauseFunc // ends line, with what calls fail with
	ledger ledger
}

var (
	_ driver.Store     = (*store)(nil)
	_ driver.Waiter    = (*store)(nil)
	_ driver.Batcher   = (*store)(nil)
	_ driver.Keeper    = (*store)(nil)
	_ driver.Inspector = (*store)(nil)
	_ driver.Notifier  = (*store)(nil)
	_ driver.Pinger    = (*store)(nil)
)

func newStore(alias string, changed chan<- struct{}) *store {
	return wrap(memory.New(), alias, changed)
}

func wrap(m *memory.Store, alias string, changed chan<- struct{}) *store {
	s := &store{alias: alias, memory: m, ledger: newLedger(changed)}
	s.connect()
	return s
}

func (s *store) TryAcquire(ctx context.Context, r driver.Request) (g driver.Grant, err error) {
	defer s.asking(&r)()
	return g, s.call(ctx, func(took time.Duration) error {
		g, err = s.memory.TryAcquire(ctx, r)
		if err != nil {
			return err
		}
		g.Sent = g.Sent.Add(-took) // the lease counts from before it left
		s.ledger.granted(&r, g.Token)
		return nil
	})
}

func (s *store) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	defer s.asking(&r)()
	line, took, err := s.travel(ctx)
	if err != nil {
		return driver.Grant{}, err
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(line, cancel)()
	g, err := s.memory.Acquire(waiting, r)

	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() == nil && line.Err() != nil {
		if err == nil && !s.ledger.has(&r) {
			_ = s.memory.Release(ctx, r) // granted when the answer couldn't be told any more
		}
		return driver.Grant{}, context.Cause(line)
	}
	if err != nil {
		return driver.Grant{}, err
	}
	// Had it asked again and again, the request that was granted had left as long
	// ago as it takes to get there.
	g.Sent = g.Sent.Add(-took)
	s.ledger.granted(&r, g.Token)
	return g, nil
}

func (s *store) Extend(ctx context.Context, r driver.Request) (sent time.Time, err error) {
	err = s.call(ctx, func(took time.Duration) error {
		sent, err = s.memory.Extend(ctx, r)
		sent = sent.Add(-took)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return sent, nil
}

func (s *store) ExtendAll(ctx context.Context, rs []driver.Request) (sent time.Time, errs []error) {
	err := s.call(ctx, func(took time.Duration) error {
		sent, errs = s.memory.ExtendAll(ctx, rs)
		sent = sent.Add(-took)
		return nil
	})
	if err == nil {
		return sent, errs
	}
	errs = make([]error, len(rs))
	for i := range errs {
		errs[i] = err
	}
	return time.Time{}, errs
}

func (s *store) Release(ctx context.Context, r driver.Request) error {
	s.gaveUp(&r)
	return s.call(ctx, func(time.Duration) error { return s.memory.Release(ctx, r) })
}

func (s *store) Keep(ctx context.Context, r driver.Request) error {
	s.gaveUp(&r)
	return s.call(ctx, func(time.Duration) error { return s.memory.Keep(ctx, r) })
}

// Features are the memory store's, but for the order: of two calls at once, the
// one that began before the store became faster arrives later.
func (s *store) Features() driver.Features {
	f := s.memory.Features()
	f.Ordered = false
	return f
}

func (s *store) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if _, _, err := s.travel(ctx); err != nil {
		return driver.Info{}, err
	}
	return s.memory.Inspect(ctx, key)
}

func (s *store) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		if _, _, err := s.travel(ctx); err != nil {
			yield(driver.Info{}, err)
			return
		}
		s.memory.List(ctx, prefix)(yield)
	}
}

// Break tells who listens, who may call from within a lock of his own: nothing is
// locked meanwhile.
func (s *store) Break(ctx context.Context, key string) (driver.Info, error) {
	if _, _, err := s.travel(ctx); err != nil {
		return driver.Info{}, err
	}
	return s.memory.Break(ctx, key)
}

func (s *store) Ping(ctx context.Context) error {
	if _, _, err := s.travel(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

func (s *store) NotifyLost(f func(driver.Loss)) (stop func()) { return s.memory.NotifyLost(f) }

// Close ends calls that are under way too, those of a slow store included.
func (s *store) Close() error {
	s.disconnect()
	return s.memory.Close()
}

// Format prints a store as its alias: what is in it is other goroutines' too.
func (s *store) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "locktest store of alias %q", s.alias)
}
