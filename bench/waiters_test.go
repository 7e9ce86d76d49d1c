package bench

import (
	"context"
	"sync"
	"time"
)

// manyWaiters is many goroutines that wait for one key, which each of them gives
// on when it has it. What is timed is from one's beginning to give it back to the
// next one's having it.
var manyWaiters = workload{
	name:     "many waiters",
	variants: []variant{{name: "1000 waiters", n: 1000}},
	fits:     hotKey.fits,
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := e.open(usual)
		n := e.variant.n
		if e.settings.brief {
			n = 50
		}
		return func(time.Duration) *round { return queue(e, c, n) }, c.close
	},
}

// queuePatience is how long all of them may take.
const queuePatience = 20 * time.Second

// settle is for waiters to be where they wait.
const settle = 200 * time.Millisecond

func queue(e *entry, c *client, n int) *round {
	ctx, cancel := context.WithTimeout(context.Background(), queuePatience)
	defer cancel()
	took, key := newHistogram(), e.key("queue")
	first, err := c.wait(ctx, key)
	if err != nil {
		e.t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex // the holder's, if the lock is one
	var gave time.Time
	var failed error
	stranded := 0
	for range n {
		all.Go(func() {
			release, err := c.wait(ctx, key)
			got := time.Now()
			mu.Lock()
			if err != nil {
				if stranded++; ctx.Err() == nil {
					failed = err
				}
				mu.Unlock()
				return
			}
			record(took, got.Sub(gave))
			gave = time.Now()
			mu.Unlock()
			if err := release(); err != nil {
				e.t.Error(err)
			}
		})
	}
	<-time.After(settle)
	before := read(e.t)
	mu.Lock()
	gave = time.Now()
	mu.Unlock()
	if err := first(); err != nil {
		e.t.Fatal(err)
	}
	all.Wait()
	if failed != nil {
		e.t.Fatal(failed)
	}
	r := &round{ops: n - stranded, metrics: before.since(e.t, n-stranded), took: took}
	r.metrics["stranded"] = float64(stranded)
	return r
}
