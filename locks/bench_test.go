package locks

import (
	"context"
	"strconv"
	"testing"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
)

func memoryRegistry(tb testing.TB) *concurrent.Registry {
	tb.Helper()
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"default": {URL: "memory://"}}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.Shutdown(ctx)
	})
	return r
}

func pairs(b *testing.B, l *Lock) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Acquire(ctx); err != nil {
			b.Fatal(err)
		}
		if err := l.Release(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPair(b *testing.B) {
	b.Run("lock=memory", func(b *testing.B) {
		pairs(b, Cache("default", "k", WithRegistry(memoryRegistry(b))))
	})
	b.Run("lock=local", func(b *testing.B) { pairs(b, Local()) })
	b.Run("lock=memory-wait", func(b *testing.B) {
		pairs(b, Cache("default", "k", WithRegistry(memoryRegistry(b)), WithWait(Forever)))
	})
}

func BenchmarkContended(b *testing.B) {
	for _, n := range []int{2, 16} {
		b.Run("goroutines="+strconv.Itoa(n), func(b *testing.B) {
			l := Cache("default", "k", WithRegistry(memoryRegistry(b)), WithWait(Forever))
			ctx := context.Background()
			b.ReportAllocs()
			b.SetParallelism(n / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Do(ctx, func(context.Context) error { return nil }); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
