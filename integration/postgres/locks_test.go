package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// alone are the advisory locks that a session has for itself, and which has
// them: the server's view of what is held.
func alone(t *testing.T, c *pgx.Conn) map[string]int64 {
	t.Helper()
	rows, err := c.Query(t.Context(), `select classid || '/' || objid, pid::int8 from pg_locks
		where locktype = 'advisory' and mode = 'ExclusiveLock' and granted`)
	check(t, err)
	held := make(map[string]int64)
	var lock string
	var pid int64
	_, err = pgx.ForEachRow(rows, []any{&lock, &pid}, func() error {
		held[lock] = pid
		return nil
	})
	check(t, err)
	return held
}

// lockOf returns which lock a key is on the server. Nobody else may take one
// meanwhile.
func lockOf(t *testing.T, c *pgx.Conn, s driver.Store, key string) string {
	t.Helper()
	before := alone(t, c)
	r := requests.Ask(key, 30*time.Second)
	requests.Take(t, s, r)
	after := alone(t, c)
	requests.GiveBack(t, s, r)
	maps.DeleteFunc(after, func(lock string, _ int64) bool { return before[lock] != 0 })
	if len(after) != 1 {
		t.Fatalf("%d locks were taken, want one", len(after))
	}
	return slices.Collect(maps.Keys(after))[0]
}

// freed waits until nobody has a lock, and returns when that was seen.
func freed(t *testing.T, c *pgx.Conn, lock string) time.Time {
	t.Helper()
	requests.Soon(t, "the lock is free on the server", func() bool { return alone(t, c)[lock] == 0 })
	return time.Now()
}

// freedBy is freed where somebody waits, who may have the lock as soon as the
// session that had it has not.
func freedBy(t *testing.T, c *pgx.Conn, lock string, holder int64) time.Time {
	t.Helper()
	requests.Soon(t, "the lock is free on the server", func() bool { return alone(t, c)[lock] != holder })
	return time.Now()
}

// terminate has the server end a session.
func terminate(t *testing.T, c *pgx.Conn, pid int64) {
	t.Helper()
	if number(t, c, "select pg_terminate_backend($1::int4)::int::int8", pid) != 1 {
		t.Fatal("there is no such session")
	}
}

// What this process holds it need not ask the server about.
func TestARefusalNamesTheHolderOfThisProcess(t *testing.T) {
	srv := start(t)
	one, other := open(t, srv.url()), openApart(t, srv.url())
	r := requests.Ask("k", 30*time.Second)
	requests.Take(t, one, r)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for what, err := range map[string]error{
		"TryAcquire": second(one.TryAcquire(t.Context(), requests.Ask("k", 30*time.Second))),
		"Acquire":    second(one.(driver.Waiter).Acquire(ctx, requests.Ask("k", 30*time.Second))),
	} {
		held, ok := errors.AsType[*driver.HeldError](err)
		if !ok || held.Holder != r.Holder || time.Since(held.Since) > time.Minute || held.For <= 0 {
			t.Errorf("%s: %+v, want the holder %+v", what, held, r.Holder)
		}
	}
	held, ok := errors.AsType[*driver.HeldError](second(other.TryAcquire(t.Context(), requests.Ask("k", 30*time.Second))))
	if !ok || held.Holder != (driver.Holder{}) || !held.Since.IsZero() {
		t.Errorf("of another process: %+v, want no holder", held)
	}
}
