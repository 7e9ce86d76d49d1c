package bench

import (
	"context"
	"time"
)

// recovery is a process that is killed while it holds the key: how long until the
// next has it, who waits for it. Leases are 2 s long, and renewed where that is
// done.
var recovery = workload{
	name:     "recovery",
	variants: []variant{{name: "holder killed", n: 1}},
	fits: func(_ *variant, _ *store, c *contender) bool {
		return !c.inside && !c.floor && c.name != redislockBehindMutex.name
	},
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := e.open(recoveryLease)
		return func(time.Duration) *round { return killHolders(e, c) }, c.close
	},
	once: true,
}

const (
	recoveryLease = 2 * time.Second
	// recoveryPatience is as long as it counts if nobody comes.
	recoveryPatience = 15 * time.Second
)

// killHolders kills one holder after another, three in all.
func killHolders(e *entry, c *client) *round {
	took, key := newHistogram(), e.key("recovery")
	times := 3
	if e.settings.brief {
		times = 1
	}
	for range times {
		holder := gather(e, key, roleHolds, 1)
		got := make(chan error, 1)
		var release func() error
		ctx, cancel := context.WithTimeout(context.Background(), recoveryPatience)
		go func() {
			var err error
			release, err = c.wait(ctx, key)
			got <- err
		}()
		<-time.After(settle)
		killed := time.Now()
		holder.kill()
		err := <-got
		if err != nil && ctx.Err() == nil {
			e.t.Fatal(err)
		}
		record(took, time.Since(killed))
		if err == nil {
			err = release()
		}
		if err != nil && ctx.Err() == nil {
			e.t.Fatal(err)
		}
		cancel()
	}
	return &round{metrics: map[string]float64{"ms": float64(took.ValueAtQuantile(50)) / 1e6}, took: took}
}
