package bench

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/file"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
	_ "github.com/concurrent-go/concurrent/drivers/postgres"
	_ "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/locks"
)

// openOurs is the same code for every driver.
func openOurs(address string, lease time.Duration) (*client, error) {
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"it": {URL: address, Lease: lease}}); err != nil {
		return nil, err
	}
	if _, err := r.Store(context.Background(), "it"); err != nil {
		return nil, err
	}
	taking := func(opts ...locks.Option) taker {
		opts = append(opts, locks.WithRegistry(r))
		var all sync.Map // a lock is made once for each key, as a package variable is
		return func(ctx context.Context, key string) (func() error, error) {
			made, ok := all.Load(key)
			if !ok {
				made, _ = all.LoadOrStore(key, locks.Cache("it", key, opts...))
			}
			l := made.(*locks.Lock)
			if err := l.Acquire(ctx); err != nil {
				return nil, err
			}
			return func() error { return l.Release(ctx) }, nil
		}
	}
	alive := func(ctx context.Context, key string) (func() error, error) {
		l := locks.Cache("it", key, locks.WithRegistry(r), locks.WithKeepAlive(lease))
		return func() error { return l.Release(ctx) }, l.Acquire(ctx)
	}
	return &client{
		try: taking(), wait: taking(locks.WithWait(locks.Forever)), alive: alive,
		close: func() { _ = r.Shutdown(context.Background()) },
	}, nil
}

func openUnfenced(address string, lease time.Duration) (*client, error) {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return openOurs(address+separator+"fencing=off", lease)
}

// openLocal has a lock without a name for each key.
func openLocal(string, time.Duration) (*client, error) {
	taking := func(opts ...locks.Option) taker {
		var all sync.Map
		return func(ctx context.Context, key string) (func() error, error) {
			made, ok := all.Load(key)
			if !ok {
				made, _ = all.LoadOrStore(key, locks.Local(opts...))
			}
			l := made.(*locks.Lock)
			if err := l.Acquire(ctx); err != nil {
				return nil, err
			}
			return func() error { return l.Release(ctx) }, nil
		}
	}
	return &client{try: taking(), wait: taking(locks.WithWait(locks.Forever)), close: func() {}}, nil
}
