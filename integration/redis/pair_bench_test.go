package redis

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// BenchmarkPair shows what a grant and its release cost a client: its allocations
// above all, which are the same on every machine.
func BenchmarkPair(b *testing.B) {
	srv := servers.NewRedis(b, "redis")
	s, err := openURL(b.Context(), "redis://"+srv.Addr())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, goroutines := range []int{1, 32} { // times GOMAXPROCS
		b.Run("parallelism="+strconv.Itoa(goroutines), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(goroutines)
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				r := requests.Ask("k"+strconv.FormatInt(n.Add(1), 10), time.Minute)
				for pb.Next() {
					if _, err := s.TryAcquire(b.Context(), r); err != nil {
						b.Error(err)
						return
					}
					if err := s.Release(b.Context(), r); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
