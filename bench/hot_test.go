package bench

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/moby/locker"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkHotKey is 16 goroutines of one process that all want one key.
//
// moby/locker is a sync.Mutex inside: with an empty section a goroutine that
// comes back at once takes it again while the others sleep, and for a time
// there is no contention. First come, first served, as x/sync's semaphore and
// these locks do it, costs a switch of goroutines for every section. With a
// microsecond of work in the section all of them wait.
func BenchmarkHotKey(b *testing.B) {
	for name, work := range map[string]time.Duration{"work=0": 0, "work=1µs": time.Microsecond} {
		b.Run(name, func(b *testing.B) { hotKey(b, 16, work) })
	}
}

func hotKey(b *testing.B, goroutines int, work time.Duration) {
	ctx := context.Background()
	m := locker.New()
	s := semaphore.NewWeighted(1)
	hot := locks.Cache("memory", "k", locks.WithRegistry(registry(b)), locks.WithWait(locks.Forever))
	turns(b, 20_000,
		contender{"moby", func(n int) error {
			return share(goroutines, n, func() error {
				m.Lock("k")
				spin(work)
				return m.Unlock("k")
			})
		}},
		contender{"semaphore", func(n int) error {
			return share(goroutines, n, func() error {
				if err := s.Acquire(ctx, 1); err != nil {
					return err
				}
				spin(work)
				s.Release(1)
				return nil
			})
		}},
		contender{"memory", func(n int) error {
			return share(goroutines, n, func() error {
				return hot.Do(ctx, func(context.Context) error {
					spin(work)
					return nil
				})
			})
		}},
	)
}

// spin keeps the processor busy for d.
func spin(d time.Duration) {
	if d == 0 {
		return
	}
	for start := time.Now(); time.Since(start) < d; {
	}
}

// share has goroutines call f n times in all, starting together.
func share(goroutines, n int, f func() error) error {
	return shareOf(goroutines, n, func() func() error { return f })
}

// shareOf is share where each goroutine has a function of its own.
func shareOf(goroutines, n int, of func() func() error) error {
	var all errgroup.Group
	var start sync.WaitGroup
	start.Add(1)
	for range goroutines {
		f := of()
		all.Go(func() error {
			start.Wait()
			for range n / goroutines {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	start.Done()
	return all.Wait()
}
