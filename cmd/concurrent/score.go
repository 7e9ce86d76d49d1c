package main

import (
	"fmt"
	"time"
)

// A score follows what the workers of try-it do and keeps what the lock
// promised against it.
type score struct {
	holder int // 0: nobody, as far as is known
	token  uint64
	turns  int
	gone   map[int]bool // killed or frozen: they hold nothing that counts
	since  time.Time    // when the last holder was killed or frozen; zero: none was
	broken []string     // promises
}

func newScore() *score { return &score{gone: map[int]bool{}} }

// take notes a sighting. free is how long it took from the end of a holder who
// was killed or frozen to the next one, and 0 otherwise.
func (c *score) take(s sighting) (free time.Duration) {
	switch s.Did {
	case got:
		c.turns++
		if s.Token <= c.token {
			c.broke("worker %d got token %d after token %d", s.Worker, s.Token, c.token)
		}
		c.token = max(c.token, s.Token)
		if c.holder > 0 && !c.gone[c.holder] {
			c.broke("worker %d got the lock while worker %d held it", s.Worker, c.holder)
		}
		c.holder = s.Worker
		if !c.since.IsZero() {
			free, c.since = s.at.Sub(c.since), time.Time{}
		}
	case releases, lost:
		if c.holder == s.Worker {
			c.holder = 0
		}
	}
	return free
}

// strike notes that a worker was killed or frozen while it held the lock.
func (c *score) strike(worker int, at time.Time) {
	c.gone[worker], c.since = true, at
}

// back notes that a worker goes on.
func (c *score) back(worker int) { delete(c.gone, worker) }

func (c *score) broke(format string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf(format, args...))
}
