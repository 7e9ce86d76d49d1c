package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// skewed is requests that come when they come, 500 a second at random (Poisson),
// for 1,000 keys of which few are wanted often (Zipf, s = 1.1), each with a
// millisecond of work: an open loop. What is timed is from when a request was due
// to its having the lock, so that one that is late because of others counts.
var skewed = workload{
	name:     "skewed keys",
	variants: []variant{{name: "500 requests a second", n: 500}},
	fits:     hotKey.fits,
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := e.open(usual)
		seed := uint64(0)
		return func(length time.Duration) *round {
			seed++
			return arrivals(e, c, seed, max(length, e.settings.length*3))
		}, c.close
	},
}

func arrivals(e *entry, c *client, seed uint64, length time.Duration) *round {
	random := rand.New(rand.NewPCG(seed, 0))
	keys := rand.NewZipf(random, 1.1, 1, 999)
	ctx, cancel := context.WithTimeout(context.Background(), length+patience)
	defer cancel()
	took, n, stranded := newHistogram(), 0, 0
	var all sync.WaitGroup
	var mu sync.Mutex
	before := read(e.t)
	start := time.Now()
	for due := start; due.Sub(start) < length; n++ {
		due = due.Add(time.Duration(random.ExpFloat64() / float64(e.variant.n) * float64(time.Second)))
		<-time.After(time.Until(due))
		key := e.key(fmt.Sprint("skewed-", keys.Uint64()))
		all.Go(func() {
			release, err := c.wait(ctx, key)
			if err != nil && ctx.Err() != nil {
				mu.Lock()
				stranded++
				mu.Unlock()
				return
			}
			if err != nil {
				e.t.Error(err)
				return
			}
			d := time.Since(due)
			<-time.After(time.Millisecond) // the work
			if err := release(); err != nil {
				e.t.Error(err)
			}
			mu.Lock()
			record(took, d)
			mu.Unlock()
		})
	}
	all.Wait()
	r := &round{ops: n, metrics: before.since(e.t, n), took: took}
	r.metrics["stranded"] = float64(stranded)
	return r
}
