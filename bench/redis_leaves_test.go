package bench

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkRedisLeavesNothing locks and releases a million different keys. A
// minute later the server has as many keys as before.
func BenchmarkRedisLeavesNothing(b *testing.B) {
	if testing.Short() {
		b.Skip("takes two minutes")
	}
	const keys, goroutines = 1_000_000, 256
	// A server looks for what has expired in 16 databases at a time, so with the
	// shared one's 10,000 it would take longer.
	url, ctx := servers.NewRedis(b, "redis", servers.Args("--databases", "16")).URL, context.Background()
	r, admin := redisRegistry(b, url), redisClient(b, url)
	for b.Loop() {
		before, err := admin.DBSize(ctx).Result()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		each(b, goroutines, keys, func(i int) error {
			l := locks.Cache("redis", "leaves:"+strconv.Itoa(i), locks.WithRegistry(r))
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			return l.Release(ctx)
		})
		b.ReportMetric(float64(time.Since(began))/keys, "ns/pair")
		<-time.After(time.Minute)
		after, err := admin.DBSize(ctx).Result()
		if err != nil {
			b.Fatal(err)
		}
		if after > before {
			b.Errorf("%d keys, %d before", after, before)
		}
		b.ReportMetric(float64(after-before), "keys-left")
	}
	b.ReportMetric(0, "ns/op") // a minute and more, which says nothing
}
