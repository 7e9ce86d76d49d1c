package bench

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/redis/rueidis"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

// A taker waits for a key, and returns how to give it back.
type taker func(context.Context) (func() error, error)

// takers are who takes turns on a key between processes, by the kind of server.
var takers = map[string]map[string]func(url, key string) (taker, error){
	"redis":    {"concurrent": concurrentTaker, "rueidislock": rueidislockTaker},
	"postgres": {"concurrent": concurrentTaker, "blocked": blockedTaker},
}

func concurrentTaker(url, key string) (taker, error) {
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"it": {URL: url}}); err != nil {
		return nil, err
	}
	l := locks.Cache("it", key, locks.WithRegistry(r), locks.WithWait(locks.Forever))
	return func(ctx context.Context) (func() error, error) {
		if err := l.Acquire(ctx); err != nil {
			return nil, err
		}
		return func() error { return l.Release(ctx) }, nil
	}, nil
}

func rueidislockTaker(url, key string) (taker, error) {
	option, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	locker, err := newRueidislock(option)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (func() error, error) {
		_, cancel, err := locker.WithContext(ctx, key)
		return func() error { cancel(); return nil }, err
	}, nil
}

// blockedTaker has a backend of its own wait in pg_advisory_lock.
func blockedTaker(url, key string) (taker, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	number := advisory(key)
	return func(ctx context.Context) (func() error, error) {
		if _, err := conn.Exec(ctx, lockSQL, number); err != nil {
			return nil, err
		}
		return func() error {
			_, err := conn.Exec(context.WithoutCancel(ctx), unlockSQL, number)
			return err
		}, nil
	}, nil
}
