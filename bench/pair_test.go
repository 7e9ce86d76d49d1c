package bench

import (
	"context"
	"testing"

	"github.com/moby/locker"

	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkPair is one goroutine that takes and gives back a lock that nobody
// else wants.
func BenchmarkPair(b *testing.B) {
	m := locker.New()
	turns(b, 20_000,
		contender{"moby", func(n int) error {
			for range n {
				m.Lock("k")
				if err := m.Unlock("k"); err != nil {
					return err
				}
			}
			return nil
		}},
		contender{"memory", pairs(locks.Cache("memory", "k", locks.WithRegistry(registry(b))))},
		contender{"waiting", pairs(locks.Cache("memory", "k", locks.WithRegistry(registry(b)), locks.WithWait(locks.Forever)))},
		contender{"local", pairs(locks.Local())},
	)
}

// BenchmarkPairAllocs shows what a pair allocates.
func BenchmarkPairAllocs(b *testing.B) {
	for name, l := range map[string]*locks.Lock{
		"memory": locks.Cache("memory", "k", locks.WithRegistry(registry(b))),
		"local":  locks.Local(),
	} {
		b.Run("lock="+name, func(b *testing.B) {
			b.ReportAllocs()
			run := pairs(l)
			for b.Loop() {
				if err := run(1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func pairs(l *locks.Lock) func(n int) error {
	ctx := context.Background()
	return func(n int) error {
		for range n {
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			if err := l.Release(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}
