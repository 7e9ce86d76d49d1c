package bench

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/moby/locker"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislock"
)

// retryEvery is how often those who can't be woken ask again.
const retryEvery = 10 * time.Millisecond

func goRedis(address string) (*redis.Client, error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	options.PoolSize = 64
	return redis.NewClient(options), nil
}

var compareAndDelete = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)

// redisByHand is go-redis with SET NX PX and a script that compares and deletes.
var redisByHand = contender{name: "go-redis by hand", floor: true, open: func(address string, lease time.Duration) (*client, error) {
	c, err := goRedis(address)
	if err != nil {
		return nil, err
	}
	var owners atomic.Int64
	try := func(ctx context.Context, key string) (func() error, error) {
		owner := strconv.FormatInt(owners.Add(1), 10)
		got, err := c.SetNX(ctx, key, owner, lease).Result()
		if err != nil {
			return nil, err
		}
		if !got {
			return nil, errTaken
		}
		return func() error {
			return compareAndDelete.Run(context.WithoutCancel(ctx), c, []string{key}, owner).Err()
		}, nil
	}
	return &client{try: try, close: func() { _ = c.Close() }}, nil
}}

var redsyncs = contender{name: "redsync", open: func(address string, lease time.Duration) (*client, error) {
	c, err := goRedis(address)
	if err != nil {
		return nil, err
	}
	rs := redsync.New(goredis.NewPool(c))
	taking := func(opts ...redsync.Option) taker {
		opts = append(opts, redsync.WithExpiry(lease))
		return func(ctx context.Context, key string) (func() error, error) {
			m := rs.NewMutex(key, opts...)
			if err := m.LockContext(ctx); err != nil {
				return nil, err
			}
			return func() error {
				_, err := m.UnlockContext(context.WithoutCancel(ctx))
				return err
			}, nil
		}
	}
	return &client{
		try: taking(redsync.WithTries(1)), wait: taking(redsync.WithTries(1 << 20)), // with its own delays
		close: func() { _ = c.Close() },
	}, nil
}}

func redislockTakers(address string, lease time.Duration) (*client, error) {
	c, err := goRedis(address)
	if err != nil {
		return nil, err
	}
	locks := redislock.New(c)
	taking := func(o *redislock.Options) taker {
		return func(ctx context.Context, key string) (func() error, error) {
			l, err := locks.Obtain(ctx, key, lease, o)
			if errors.Is(err, redislock.ErrNotObtained) {
				return nil, errTaken
			}
			if err != nil {
				return nil, err
			}
			return func() error { return l.Release(context.WithoutCancel(ctx)) }, nil
		}
	}
	forever := taking(&redislock.Options{RetryStrategy: redislock.LinearBackoff(retryEvery)})
	return &client{
		try: taking(nil),
		wait: func(ctx context.Context, key string) (func() error, error) {
			for { // Obtain waits for no longer than its lease
				release, err := forever(ctx, key)
				again := errors.Is(err, errTaken) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
				if !again {
					return release, err
				}
			}
		},
		close: func() { _ = c.Close() },
	}, nil
}

var redislocks = contender{name: "redislock", open: redislockTakers}

// redislockBehindMutex has the goroutines of a process wait for each other in a
// mutex, so that one of them at a time asks the server: what one would do by hand.
var redislockBehindMutex = contender{name: "redislock behind a mutex", open: func(address string, lease time.Duration) (*client, error) {
	c, err := redislockTakers(address, lease)
	if err != nil {
		return nil, err
	}
	before := locker.New()
	behind := func(take taker) taker {
		return func(ctx context.Context, key string) (func() error, error) {
			before.Lock(key)
			release, err := take(ctx, key)
			if err != nil {
				return nil, errors.Join(err, before.Unlock(key))
			}
			return func() error { return errors.Join(release(), before.Unlock(key)) }, nil
		}
	}
	return &client{try: behind(c.try), wait: behind(c.wait), close: c.close}, nil
}}

// rueidislocks is one locker. TryNextAfter bounds its calls, and is 20 ms if
// nothing is said: on a busy machine they fail then.
var rueidislocks = contender{name: "rueidislock", open: func(address string, lease time.Duration) (*client, error) {
	option, err := rueidis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	l, err := rueidislock.NewLocker(rueidislock.LockerOption{
		ClientOption: option, KeyMajority: 1, KeyValidity: lease, NoLoopTracking: true, TryNextAfter: 5 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	taking := func(with func(context.Context, string) (context.Context, context.CancelFunc, error)) taker {
		return func(ctx context.Context, key string) (func() error, error) {
			_, cancel, err := with(ctx, key)
			if err != nil {
				return nil, err
			}
			return func() error { cancel(); return nil }, nil // releases
		}
	}
	wait := taking(l.WithContext)
	return &client{try: taking(l.TryWithContext), wait: wait, alive: wait, close: l.Close}, nil
}}
