package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// pair is goroutines that each take and give back a lock that nobody else wants.
// What is timed is both.
var pair = workload{
	name: "pair",
	variants: []variant{
		{name: "1 goroutine", n: 1},
		{name: "8 goroutines", n: 8},
		{name: "64 goroutines", n: 64},
		{name: "512 goroutines", n: 512},
		{name: "64 goroutines, 1 ms away", n: 64, latency: time.Millisecond},
		{name: "64 goroutines, 20 ms away", n: 64, latency: 20 * time.Millisecond},
	},
	fits: func(v *variant, s *store, c *contender) bool {
		// A client's connections end it, not the lock: 64 are enough for all.
		return c.name != blockedBackend.name && c.name != redislockBehindMutex.name && (v.latency == 0 || s.far())
	},
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := e.open(usual)
		return func(length time.Duration) *round {
			return loop(e.t, e.variant.n, length, func(int) operation {
				key := e.key(fmt.Sprint("pair-", pairs.Add(1)))
				return func(ctx context.Context) (time.Duration, error) {
					asked := time.Now()
					release, err := c.try(ctx, key)
					if err == nil {
						err = release()
					}
					return time.Since(asked), err
				}
			})
		}, c.close
	},
}

var pairs atomic.Int64

// far reports whether a network is between the store and its users.
func (s *store) far() bool { return s.name == "redis" || s.name == "postgres" }
