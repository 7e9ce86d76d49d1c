package bench

import (
	"context"
	"time"
)

// hotKey is goroutines of one process that all want one key, and have a
// microsecond of work with it. What is timed is from asking for it to having it.
var hotKey = workload{
	name:     "hot key",
	variants: []variant{{name: "2 goroutines", n: 2}, {name: "16 goroutines", n: 16}, {name: "128 goroutines", n: 128}},
	fits:     func(_ *variant, _ *store, c *contender) bool { return c.waitsForItself() },
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := e.open(usual)
		do := c.section(e.key("hot"))
		return func(length time.Duration) *round {
			return loop(e.t, e.variant.n, length, func(int) operation { return do })
		}, c.close
	},
}

// waitsForItself says that goroutines of one process can wait for each other.
func (c *contender) waitsForItself() bool {
	return !c.floor && c.name != blockedBackend.name // one connection, one holder
}

// section takes a key, works with it, and gives it back.
func (c *client) section(key string) operation {
	return func(ctx context.Context) (time.Duration, error) {
		asked := time.Now()
		release, err := c.wait(ctx, key)
		if err != nil {
			return 0, err
		}
		took := time.Since(asked)
		for began := time.Now(); time.Since(began) < time.Microsecond; {
		}
		return took, release()
	}
}
