package bench

import (
	"context"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkHeld holds a million locks and keeps them alive for as long as a
// lease: what one of them costs in memory, and all of them in time.
func BenchmarkHeld(b *testing.B) {
	const n, lease = 1_000_000, 30 * time.Second
	if testing.Short() {
		b.Skip("takes half a minute, and half a gigabyte of memory")
	}
	r := registry(b)
	ctx := context.Background()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	for b.Loop() {
		held := make([]*locks.Lock, n)
		goroutines, before := runtime.NumGoroutine(), heap()
		for i, key := range keys {
			held[i] = locks.Cache("memory", key, locks.WithRegistry(r), locks.WithKeepAlive(lease))
			if err := held[i].Acquire(ctx); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/n, "B/lock")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")

		used, began := processorTime(b), time.Now()
		<-time.After(lease)
		b.ReportMetric(100*float64(processorTime(b)-used)/float64(time.Since(began)), "%core")
		for _, l := range held {
			if err := l.Release(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // half a minute, which says nothing
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
