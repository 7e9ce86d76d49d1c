package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A counter asks a server how many commands it has carried out.
type counter struct {
	// total is how many there were so far, at a contender's address, without
	// those of the counter itself.
	total func(ctx context.Context, address string) (int64, error)
	// count has the server count, or not. nil: it counts all the time.
	count func(ctx context.Context, on bool) error
}

// costly: counting slows the server down, so that rounds that count are others
// than those that are measured. nil: there is no counter.
func (c *counter) costly() bool { return c != nil && c.count != nil }

// counted has the commands of each operation among the metrics of a round. One
// that has no operations, or whose commands nobody counts, has no such metric.
func (c *counter) counted(e *entry, play func() *round) *round {
	e.t.Helper()
	if c == nil {
		return play()
	}
	ask := func() int64 {
		n, err := c.total(e.t.Context(), e.address)
		if err != nil {
			e.t.Fatal(err)
		}
		return n
	}
	before := ask()
	r := play()
	if per, ok := perOperation(before, ask(), r.ops); ok {
		r.metrics["commands/op"] = per
	}
	return r
}

// perOperation is false where there were no operations, and where nothing was
// counted: operations without a command are none on a server, so it does not
// count, or began anew meanwhile.
func perOperation(before, after int64, ops int) (float64, bool) {
	if ops == 0 || after <= before {
		return 0, false
	}
	return float64(after-before) / float64(ops), true
}

// counter is the server's, nil if it has none. A server that was not started
// here may forbid to ask it, and must not be changed.
func (a *addresses) counter(t *testing.T) *counter {
	t.Helper()
	var c *counter
	var err error
	switch a.store.name {
	case "redis":
		c, err = redisCounter(t, a.address)
	case "postgres":
		c, err = postgresCounter(t, a.address, a.own)
	default:
		return nil
	}
	if err == nil {
		_, err = c.total(t.Context(), a.address)
	}
	if err == nil {
		return c
	}
	if a.own {
		t.Fatal(err)
	}
	t.Logf("commands are not counted: %v", err)
	return nil
}

func redisCounter(t *testing.T, address string) (*counter, error) {
	t.Helper()
	admin, err := goRedis(address)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = admin.Close() })
	return &counter{total: func(ctx context.Context, _ string) (int64, error) {
		text, err := admin.Info(ctx, "commandstats").Result()
		if err != nil {
			return 0, err
		}
		return calls(text)
	}}, nil
}

// calls adds up what INFO commandstats tells. Scripts are in it, and what they
// call as well. INFO is left out: that is the counter's.
func calls(info string) (int64, error) {
	sum := int64(0)
	for line := range strings.Lines(info) {
		name, stats, ok := strings.Cut(strings.TrimSpace(line), ":")
		command, ok2 := strings.CutPrefix(name, "cmdstat_")
		if !ok || !ok2 || command == "info" {
			continue
		}
		first, _, _ := strings.Cut(stats, ",")
		n, err := strconv.ParseInt(strings.TrimPrefix(first, "calls="), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("INFO says %q: %w", line, err)
		}
		sum += n
	}
	return sum, nil
}

// statementsArgs have PostgreSQL able to count. That it counts is no argument,
// as nothing changes those later.
var statementsArgs = []string{"-c", "shared_preload_libraries=pg_stat_statements", "-c", "pg_stat_statements.save=off"}

// postgresCounter is pg_stat_statements. Where it is the suite's own server it
// counts what functions carry out, too, as Redis does for scripts.
func postgresCounter(t *testing.T, address string, own bool) (*counter, error) {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), address)
	if err != nil {
		return nil, errors.New("the server can't be reached") // err may show the password
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	c := &counter{total: func(ctx context.Context, address string) (n int64, err error) {
		u, err := url.Parse(address)
		if err != nil {
			return 0, errors.New("that is no URL")
		}
		err = admin.QueryRow(ctx, statementsSQL, strings.TrimPrefix(u.Path, "/")).Scan(&n)
		return n, err
	}}
	if !own {
		return c, nil
	}
	if _, err := admin.Exec(t.Context(), "create extension if not exists pg_stat_statements"); err != nil {
		return nil, err
	}
	c.count = func(ctx context.Context, on bool) error { return track(ctx, admin, on) }
	return c, c.count(t.Context(), false)
}

// statementsSQL leaves itself out. A URL without a database means the user's,
// which is where it is asked then.
const statementsSQL = `select coalesce(sum(s.calls), 0)::bigint from pg_stat_statements s join pg_database d on d.oid = s.dbid
where d.datname = coalesce(nullif($1, ''), current_database()) and s.query not like '%pg_stat_statements%'`

// track has all sessions count from their next statement on, or not.
func track(ctx context.Context, admin *pgx.Conn, on bool) error {
	want := "none"
	if on {
		want = "all"
	}
	if _, err := admin.Exec(ctx, "alter system set pg_stat_statements.track = '"+want+"'"); err != nil {
		return err
	}
	if _, err := admin.Exec(ctx, "select pg_reload_conf()"); err != nil {
		return err
	}
	for range 500 { // the server reads it again when it comes to it
		var is string
		if err := admin.QueryRow(ctx, "show pg_stat_statements.track").Scan(&is); err != nil || is == want {
			return err
		}
		<-time.After(10 * time.Millisecond)
	}
	return errors.New("pg_stat_statements.track does not change")
}
