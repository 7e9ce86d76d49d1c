package bench

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/postgres"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

const (
	tryLockSQL = "select pg_try_advisory_lock($1)"
	lockSQL    = "select pg_advisory_lock($1)"
	unlockSQL  = "select pg_advisory_unlock($1)"
)

// advisory is the number of a key's advisory lock.
func advisory(key string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	return int64(h.Sum64())
}

// BenchmarkPostgresPair is goroutines that each take and give back a lock of
// their own on one server, with tokens and without, beside pgx doing the same by
// hand, without tokens, leases or a look at losses: a connection for each
// goroutine, up to 64.
func BenchmarkPostgresPair(b *testing.B) {
	url := servers.Postgres(b).URL
	for _, goroutines := range []int{1, 64, 512} {
		b.Run("goroutines="+strconv.Itoa(goroutines), func(b *testing.B) {
			n := max(goroutines*20, 1000)
			turns(b, n,
				spread("byhand", goroutines, advisoryPair(b, url, min(goroutines, 64))),
				spread("unfenced", goroutines, postgresPair(b, url+"&fencing=off")),
				spread("concurrent", goroutines, postgresPair(b, url)),
			)
		})
	}
}

func advisoryPair(b *testing.B, url string, connections int) func(string) error {
	b.Helper()
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url+"&pool_max_conns="+strconv.Itoa(connections))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return func(key string) error {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		var got bool
		number := advisory(key)
		if err := conn.QueryRow(ctx, tryLockSQL, number).Scan(&got); err != nil || !got {
			return errors.Join(err, errors.New("not granted"))
		}
		return conn.QueryRow(ctx, unlockSQL, number).Scan(&got)
	}
}

func postgresPair(b *testing.B, url string) func(string) error {
	b.Helper()
	r, ctx := concurrent.NewRegistry(), context.Background()
	if err := r.Configure(concurrent.Aliases{"it": {URL: url}}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Shutdown(ctx) })
	return func(key string) error {
		l := locks.Cache("it", key, locks.WithRegistry(r))
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		return l.Release(ctx)
	}
}
