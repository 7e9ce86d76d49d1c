package bench

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestCallsAreThoseOfAllCommandsButInfo(t *testing.T) {
	for _, c := range []struct {
		info string
		want int64
	}{
		{"", 0},
		{"# Commandstats\r\n", 0},
		{"# Commandstats\r\ncmdstat_set:calls=12,usec=34,usec_per_call=2.83,rejected_calls=5,failed_calls=6\r\n", 12},
		{"# Commandstats\r\ncmdstat_evalsha:calls=2,usec=1\r\ncmdstat_info:calls=100,usec=1\r\ncmdstat_client|setinfo:calls=3,usec=1\r\n", 5},
		{"# Stats\r\ntotal_commands_processed:77\r\n\r\n# Commandstats\r\ncmdstat_get:calls=1,usec=1\r\n", 1},
	} {
		if got, err := calls(c.info); err != nil || got != c.want {
			t.Errorf("%q has %d calls, %v; want %d", c.info, got, err, c.want)
		}
	}
	if n, err := calls("cmdstat_get:calls=many,usec=1\r\n"); err == nil {
		t.Errorf("many calls are %d", n)
	}
}

func TestCommandsOfAnOperation(t *testing.T) {
	for _, c := range []struct {
		before, after int64
		ops           int
		want          float64
		ok            bool
	}{
		{10, 30, 10, 2, true},
		{0, 1, 4, 0.25, true},
		{10, 30, 0, 0, false}, // locks that are held
		{10, 10, 5, 0, false}, // it does not count
		{10, 3, 5, 0, false},  // it began anew
	} {
		if got, ok := perOperation(c.before, c.after, c.ops); got != c.want || ok != c.ok {
			t.Errorf("from %d to %d with %d operations: %v, %t; want %v, %t", c.before, c.after, c.ops, got, ok, c.want, c.ok)
		}
	}
}

// What is counted costly is counted in a round that is not measured, and stands
// with each that is.
func TestWhatIsCountedCostlyIsNotMeasured(t *testing.T) {
	counts, rounds := false, map[bool]int{}
	total := int64(0)
	k := &counter{
		total: func(context.Context, string) (int64, error) { return total, nil },
		count: func(_ context.Context, on bool) error { counts = on; return nil },
	}
	w := &workload{start: func(*entry) (func(time.Duration) *round, func()) {
		return func(time.Duration) *round {
			rounds[counts]++
			if counts {
				total += 6
			}
			return &round{ops: 2, metrics: map[string]float64{}}
		}, func() {}
	}}
	c := compete(w, &entry{t: t, commands: k, settings: &settings{}})
	c.play(0)
	c.play(0)
	if rounds[true] != 1 || rounds[false] != 3 {
		t.Errorf("%d rounds were counted and %d were not, want 1 and 3", rounds[true], rounds[false])
	}
	for _, r := range c.rounds {
		if want := (map[string]float64{"commands/op": 3}); !maps.Equal(r, want) {
			t.Errorf("a round has %v, want %v", r, want)
		}
	}
}

// counts tells how many commands a store's server counts while f runs, and how
// many while it runs before and after the counting, -1 where that never ends.
func counts(t *testing.T, name string, f func(address string) error) (on, off int64) {
	t.Helper()
	a := &addresses{store: storeOf(name)}
	a.address = a.start(t)
	c := a.counter(t)
	if c == nil {
		t.Skip("the server that the environment names does not count")
	}
	during := func() int64 {
		before, err := c.total(t.Context(), a.address)
		err = errors.Join(err, f(a.address))
		after, err2 := c.total(t.Context(), a.address)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return after - before
	}
	if !c.costly() {
		return during(), -1
	}
	off = during() // it does not count by itself
	for _, to := range []bool{true, false} {
		if err := c.count(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if to {
			on = during()
		} else {
			off += during()
		}
	}
	return on, off
}

func TestRedisCountsScriptsAndWhatTheyCall(t *testing.T) {
	on, _ := counts(t, "redis", func(address string) error {
		c, err := goRedis(address)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		conn := c.Conn() // greets once
		defer func() { _ = conn.Close() }()
		for range 10 {
			if err := conn.Eval(t.Context(), `redis.call("set", KEYS[1], 1) return redis.call("del", KEYS[1])`, []string{"counting"}).Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if greeting := int64(5); on < 30 || on > 30+greeting {
		t.Errorf("ten scripts of two commands are %d, want 30 and a greeting", on)
	}
}

func TestPostgresCountsStatementsAndWhatFunctionsDo(t *testing.T) {
	elsewhere := ""
	ten := func(address string) error {
		c, err := pgx.Connect(t.Context(), address)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close(context.Background()) }()
		for range 10 {
			if _, err := c.Exec(t.Context(), "do $$ begin perform pg_advisory_xact_lock(1); end $$"); err != nil {
				return err
			}
		}
		return nil
	}
	on, off := counts(t, "postgres", func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		u.Path = "/template1"
		elsewhere = u.String()
		return errors.Join(ten(address), ten(elsewhere)) // another database is another contender's
	})
	if on != 20 || off != 0 {
		t.Errorf("ten blocks of one statement are %d, and %d while nothing is counted; want 20 and 0", on, off)
	}
	// The extension is not in that database, and somebody else's server gets none.
	theirs := &addresses{store: storeOf("postgres"), address: elsewhere}
	if c := theirs.counter(t); c != nil {
		t.Error("a server that can't count does")
	}
}
