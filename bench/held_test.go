package bench

import (
	"context"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkHeld holds many locks and keeps them alive for as long as a lease: what
// one of them costs this process in memory, and all of them in time.
func BenchmarkHeld(b *testing.B) {
	if testing.Short() {
		b.Skip("takes a minute, and half a gigabyte of memory")
	}
	b.Run("store=memory", func(b *testing.B) { hold(b, "memory", registry(b), 1_000_000) })
	b.Run("store=redis", func(b *testing.B) { hold(b, "redis", redisRegistry(b, servers.Redis(b).URL), 100_000) })
}

func hold(b *testing.B, alias string, r *concurrent.Registry, n int) {
	const lease, atOnce = 30 * time.Second, 64
	ctx := context.Background()
	for b.Loop() {
		held := make([]*locks.Lock, n)
		goroutines, before := runtime.NumGoroutine(), heap()
		each(b, atOnce, n, func(i int) error {
			held[i] = locks.Cache(alias, strconv.Itoa(i), locks.WithRegistry(r), locks.WithKeepAlive(lease))
			return held[i].Acquire(ctx)
		})
		b.ReportMetric(float64(heap()-before)/float64(n), "B/lock")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")

		used, began := processorTime(b), time.Now()
		<-time.After(lease)
		b.ReportMetric(100*float64(processorTime(b)-used)/float64(time.Since(began)), "%core")
		each(b, atOnce, n, func(i int) error { return held[i].Release(ctx) })
	}
	b.ReportMetric(0, "ns/op") // half a minute, which says nothing
}

// each calls f for 0 to n-1, in goroutines.
func each(b *testing.B, goroutines, n int, f func(i int) error) {
	b.Helper()
	var all errgroup.Group
	for g := range goroutines {
		all.Go(func() error {
			for i := g; i < n; i += goroutines {
				if err := f(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// processorTime returns what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
