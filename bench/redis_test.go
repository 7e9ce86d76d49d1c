package bench

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislock"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkRedisPair is goroutines that each take and give back a lock of their
// own on one server, beside go-redis doing no more than it must, and the locks
// that people use.
func BenchmarkRedisPair(b *testing.B) {
	url := servers.Redis(b).URL
	for _, goroutines := range []int{1, 64, 512} {
		b.Run("goroutines="+strconv.Itoa(goroutines), func(b *testing.B) {
			n := max(goroutines*20, 1000)
			turns(b, n,
				spread("byhand", goroutines, byHand(b, url)),
				spread("redsync", goroutines, redsyncPair(b, url)),
				spread("redislock", goroutines, redislockPair(b, url)),
				spread("rueidislock", goroutines, rueidislockPair(b, url)),
				spread("concurrent", goroutines, concurrentPair(b, url)),
			)
		})
	}
}

// spread has goroutines do pairs, each with a key of its own.
func spread(name string, goroutines int, pair func(key string) error) contender {
	return contender{name, func(n int) error {
		var number atomic.Int64
		return shareOf(goroutines, n, func() func() error {
			key := name + ":" + strconv.FormatInt(number.Add(1), 10)
			return func() error { return pair(key) }
		})
	}}
}

const redisLease = 30 * time.Second

func redisClient(b *testing.B, url string) *redis.Client {
	b.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		b.Fatal(err)
	}
	options.PoolSize = 64
	client := redis.NewClient(options)
	b.Cleanup(func() { _ = client.Close() })
	return client
}

var compareAndDelete = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)

func byHand(b *testing.B, url string) func(string) error {
	client, ctx := redisClient(b, url), context.Background()
	var owners atomic.Int64
	return func(key string) error {
		owner := strconv.FormatInt(owners.Add(1), 10)
		got, err := client.SetNX(ctx, key, owner, redisLease).Result()
		if err != nil {
			return err
		}
		if !got {
			return errors.New("taken")
		}
		return compareAndDelete.Run(ctx, client, []string{key}, owner).Err()
	}
}

func redsyncPair(b *testing.B, url string) func(string) error {
	rs := redsync.New(goredis.NewPool(redisClient(b, url)))
	return func(key string) error {
		m := rs.NewMutex(key, redsync.WithExpiry(redisLease))
		if err := m.TryLock(); err != nil {
			return err
		}
		_, err := m.Unlock()
		return err
	}
}

func redislockPair(b *testing.B, url string) func(string) error {
	client, ctx := redislock.New(redisClient(b, url)), context.Background()
	return func(key string) error {
		l, err := client.Obtain(ctx, key, redisLease, nil)
		if err != nil {
			return err
		}
		return l.Release(ctx)
	}
}

// newRueidislock is a locker for one server. TryNextAfter bounds its calls, and is
// 20 ms if nothing is said: on a busy machine they fail then.
func newRueidislock(option rueidis.ClientOption) (rueidislock.Locker, error) {
	return rueidislock.NewLocker(rueidislock.LockerOption{
		ClientOption: option, KeyMajority: 1, KeyValidity: redisLease, NoLoopTracking: true, TryNextAfter: 5 * time.Second,
	})
}

func rueidislockPair(b *testing.B, url string) func(string) error {
	option, err := rueidis.ParseURL(url)
	if err != nil {
		b.Fatal(err)
	}
	locker, err := newRueidislock(option)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(locker.Close)
	ctx := context.Background()
	return func(key string) error {
		_, cancel, err := locker.TryWithContext(ctx, key)
		if err == nil {
			cancel() // releases
		}
		return err
	}
}

// redisRegistry has the alias redis.
func redisRegistry(b *testing.B, url string) *concurrent.Registry {
	b.Helper()
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"redis": {URL: url}}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	return r
}

func concurrentPair(b *testing.B, url string) func(string) error {
	r, ctx := redisRegistry(b, url), context.Background()
	return func(key string) error {
		l := locks.Cache("redis", key, locks.WithRegistry(r))
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		return l.Release(ctx)
	}
}
