package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/rueidis"

	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkRedisHotKey is 16 goroutines of one process that all want one key: how
// many sections they get through in a second, and how long another process waits
// for its turn meanwhile. "behind" is redislock's lock behind a sync.Mutex of the
// process, which is what one would do by hand.
func BenchmarkRedisHotKey(b *testing.B) {
	const goroutines, during = 16, 2 * time.Second
	url := servers.Redis(b).URL
	sections := map[string]func(context.Context) error{
		"redsync": redsyncSection(b, url), "redislock": redislockSection(b, url, nil), "behind": redislockSection(b, url, new(sync.Mutex)),
		"rueidislock": rueidislockSection(b, url), "concurrent": concurrentSection(b, url),
	}
	for b.Loop() {
		for name, section := range sections {
			b.ReportMetric(perSecond(b, goroutines, during, section), "sections/s/"+name)
		}
		c := gather(b, "redis", "concurrent", url, "hot", 1)
		all := c.during(func() {
			b.ReportMetric(perSecond(b, goroutines, during, sections["concurrent"]), "sections/s/concurrent-beside-another")
		})
		worst := int64(0)
		for _, t := range all[0] {
			worst = max(worst, t.Got-t.Asked)
		}
		b.ReportMetric(float64(worst)/1e6, "ms-the-other-waited-at-most")
		b.ReportMetric(float64(len(all[0]))/during.Seconds(), "turns/s/other")
	}
	b.ReportMetric(0, "ns/op") // a round's length says nothing
}

// perSecond has goroutines run sections for a time, and returns how many.
func perSecond(b *testing.B, goroutines int, during time.Duration, section func(context.Context) error) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), during)
	defer cancel()
	var done atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := section(ctx); err == nil {
					done.Add(1)
				} else if ctx.Err() == nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / during.Seconds()
}

func concurrentSection(b *testing.B, url string) func(context.Context) error {
	l := locks.Cache("redis", "hot", locks.WithRegistry(redisRegistry(b, url)), locks.WithWait(locks.Forever))
	return func(ctx context.Context) error {
		return l.Do(ctx, func(context.Context) error { return nil })
	}
}

func redislockSection(b *testing.B, url string, before *sync.Mutex) func(context.Context) error {
	client := redislock.New(redisClient(b, url))
	wait := &redislock.Options{RetryStrategy: redislock.LinearBackoff(10 * time.Millisecond)}
	return func(ctx context.Context) error {
		if before != nil {
			before.Lock()
			defer before.Unlock()
		}
		l, err := client.Obtain(ctx, "hot-redislock", redisLease, wait)
		if err != nil {
			return err
		}
		return l.Release(context.WithoutCancel(ctx))
	}
}

func redsyncSection(b *testing.B, url string) func(context.Context) error {
	rs := redsync.New(goredis.NewPool(redisClient(b, url)))
	return func(ctx context.Context) error {
		m := rs.NewMutex("hot-redsync", redsync.WithExpiry(redisLease), redsync.WithTries(1000))
		if err := m.LockContext(ctx); err != nil {
			return err
		}
		_, err := m.UnlockContext(context.WithoutCancel(ctx))
		return err
	}
}

func rueidislockSection(b *testing.B, url string) func(context.Context) error {
	option, err := rueidis.ParseURL(url)
	if err != nil {
		b.Fatal(err)
	}
	locker, err := newRueidislock(option)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(locker.Close)
	return func(ctx context.Context) error {
		_, cancel, err := locker.WithContext(ctx, "hot-rueidislock")
		if err == nil {
			cancel() // releases
		}
		return err
	}
}
