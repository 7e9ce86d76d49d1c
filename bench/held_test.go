package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// held is locks of one process that are kept alive with a lease of 30 s.
var held = workload{
	name:     "held",
	variants: []variant{{name: "1000 locks", n: 1_000}, {name: "10000 locks", n: 10_000}, {name: "100000 locks", n: 100_000}, {name: "1000000 locks", n: 1_000_000}},
	fits: func(v *variant, s *store, c *contender) bool {
		small := s.name == "postgres" || s.name == "file" // a store for fewer
		return takesAlive(c) && (v.n == 1_000) == small && (c.name == "concurrent" || v.n < 100_000) &&
			(v.n < 1_000_000 || s.name == "memory")
	},
	start: func(e *entry) (func(time.Duration) *round, func()) {
		n := e.variant.n
		if e.settings.brief {
			n /= 100
		}
		c := e.open(usual)
		return func(time.Duration) *round { return hold(e, c, n) }, c.close
	},
	once: true,
}

// takesAlive: who renews by itself.
func takesAlive(c *contender) bool {
	return c.name == "concurrent" || c.name == rueidislocks.name
}

func hold(e *entry, c *client, n int) *round {
	ctx := context.Background()
	releases := make([]func() error, n)
	goroutines, before := runtime.NumGoroutine(), heap()
	each(e, n, func(i int) (err error) {
		releases[i], err = c.alive(ctx, e.key(fmt.Sprint("held-", i)))
		return err
	})
	m := map[string]float64{
		"B/lock":           (float64(heap()) - float64(before)) / float64(n),
		"goroutines/lock":  float64(runtime.NumGoroutine()-goroutines) / float64(n),
		"open-connections": float64(connections(e.t)),
	}
	from := read(e.t)
	<-time.After(e.settings.held)
	used := from.since(e.t, 1)
	m["client-%core"] = used["client-cpu-µs/op"] / 1e4 / e.settings.held.Seconds()
	m["server-%core"] = used["server-cpu-µs/op"] / 1e4 / e.settings.held.Seconds()
	m["sends/s"] = used["sends/op"] / e.settings.held.Seconds()
	each(e, n, func(i int) error { return releases[i]() })
	return &round{metrics: m}
}

// each calls f for 0 to n-1, 64 at a time.
func each(e *entry, n int, f func(i int) error) {
	e.t.Helper()
	var all errgroup.Group
	const atOnce = 64
	for g := range atOnce {
		all.Go(func() error {
			for i := g; i < n; i += atOnce {
				if err := f(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		e.t.Fatal(err)
	}
}
