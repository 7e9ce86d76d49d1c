package drivertest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// waitMutants wake one that they should leave, or leave one that they should wake.
var waitMutants = map[string]mutation{
	"lets those behind a cancelled wait sleep": {"wait", "those behind a cancelled wait are served when it is gone", func(m *mutant) {
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			type result struct {
				driver.Grant
				error
			}
			done := make(chan result, 1)
			stays := context.WithoutCancel(ctx)
			go func() {
				g, err := m.Store.Acquire(stays, r)
				if err == nil && ctx.Err() != nil {
					err = errors.Join(ctx.Err(), m.Store.Release(stays, r))
				}
				done <- result{g, err}
			}()
			select {
			case r := <-done:
				return r.Grant, r.error
			case <-ctx.Done():
				return driver.Grant{}, errors.Join(driver.ErrHeld, ctx.Err())
			}
		}
	}},
	"shows who waits in the wrong order": {"inspect", "Inspect shows who waits in the order in which they came, where it shows them", func(m *mutant) {
		m.inspect = func(ctx context.Context, key string) (driver.Info, error) {
			info, err := m.Store.Inspect(ctx, key)
			slices.Reverse(info.Queue)
			return info, err
		}
	}},
	"sleeps through the end of a permit": {"wait", "a permit that ends by itself wakes one that waits for it", func(m *mutant) {
		hears(m, func(_, _ driver.Request) bool { return true })
	}},
	"wakes those of the same size only": {"size", "a waiter for a permit is woken by the end of one of another size", func(m *mutant) {
		hears(m, func(released, waits driver.Request) bool { return released.Mode == waits.Mode })
	}},
	"lets larger permits pass": {"size", "a permit of a small n is not passed by a larger one that came later, where Features says FIFO", func(m *mutant) {
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			waitingNow.Add(1)
			defer waitingNow.Add(-1)
			for {
				if g, err := m.Store.TryAcquire(ctx, r); !errors.Is(err, driver.ErrHeld) {
					return g, err
				}
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
					return driver.Grant{}, errors.Join(driver.ErrHeld, ctx.Err())
				}
			}
		}
		m.inspect = func(ctx context.Context, key string) (driver.Info, error) {
			info, err := m.Store.Inspect(ctx, key)
			info.Waiters = int(waitingNow.Load())
			return info, err
		}
	}},
}

// released is what was released through any store.
var released struct {
	sync.Mutex
	all []driver.Request
}

// hears has waiters for permits look again when one is released that they hear of,
// and never else.
func hears(m *mutant, of func(released, waits driver.Request) bool) {
	m.release = func(ctx context.Context, r driver.Request) error {
		err := m.Store.Release(ctx, r)
		released.Lock()
		defer released.Unlock()
		released.all = append(released.all, r)
		return err
	}
	m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		if r.Mode.Slots() == 0 {
			return m.Store.Acquire(ctx, r)
		}
		for seen := 0; ; {
			if g, err := m.Store.TryAcquire(ctx, r); !errors.Is(err, driver.ErrHeld) {
				return g, err
			}
			for woken := false; !woken; {
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
					return driver.Grant{}, errors.Join(driver.ErrHeld, ctx.Err())
				}
				released.Lock()
				for _, other := range released.all[seen:] {
					woken = woken || of(other, r)
				}
				seen = len(released.all)
				released.Unlock()
			}
		}
	}
}
