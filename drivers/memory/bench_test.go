package memory

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// request asks for key with an owner as long as those of package locks.
func request(key string, owner int) driver.Request {
	return driver.Request{Key: key, Owner: fmt.Sprintf("%032x", owner), Lease: 30 * time.Second}
}

func BenchmarkTryAcquireRelease(b *testing.B) {
	b.Run("key=same", func(b *testing.B) {
		s := New()
		r := request("0123456789abcdef", 1)
		b.ReportAllocs()
		for b.Loop() {
			pair(b, s, r)
		}
	})
	b.Run("key=other", func(b *testing.B) {
		s := New()
		var rs [4096]driver.Request
		for i := range rs {
			rs[i] = request(fmt.Sprintf("key-%012d", i), i)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			pair(b, s, rs[i%len(rs)])
		}
	})
}

func pair(tb testing.TB, s *Store, r driver.Request) {
	ctx := context.Background()
	if _, err := s.TryAcquire(ctx, r); err != nil {
		tb.Fatal(err)
	}
	if err := s.Release(ctx, r); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkContended16 is what one of 16 goroutines that wait for one key pays
// for a turn.
func BenchmarkContended16(b *testing.B) {
	const workers = 16
	s, ctx := New(), b.Context()
	b.ReportAllocs()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := request("0123456789abcdef", w)
			for range (b.N + workers - 1 - w) / workers {
				if _, err := s.Acquire(ctx, r); err != nil {
					b.Error(err)
					return
				}
				if err := s.Release(ctx, r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

const million = 1_000_000

// hold has n keys of 16 bytes held, and returns the requests.
func hold(tb testing.TB, s *Store, rs []driver.Request) {
	for i := range rs {
		if _, err := s.TryAcquire(tb.Context(), rs[i]); err != nil {
			tb.Fatal(err)
		}
	}
}

func requests(n int) []driver.Request {
	rs := make([]driver.Request, n)
	for i := range rs {
		rs[i] = request(fmt.Sprintf("key-%012d", i), i)
	}
	return rs
}

func BenchmarkExtendAll1M(b *testing.B) {
	s, rs := New(), requests(million)
	hold(b, s, rs)
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := s.ExtendAll(b.Context(), rs); errs != nil {
			b.Fatal(errs[0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/million, "ns/lease")
}

// BenchmarkHeldBytes reports what the store has in memory for one held lock,
// beside the key and the owner, which are the caller's.
func BenchmarkHeldBytes(b *testing.B) {
	for _, n := range []int{1 << 16, million} {
		b.Run(fmt.Sprintf("locks=%d", n), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(heldBytes(b, n), "B/lock")
			}
		})
	}
}

func heldBytes(tb testing.TB, n int) float64 {
	rs := requests(n)
	before := heap()
	s := New()
	hold(tb, s, rs)
	after := heap()
	runtime.KeepAlive(s)
	runtime.KeepAlive(rs)
	return float64(after-before) / float64(n)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
