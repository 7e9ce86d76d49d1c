package redis

import (
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// grants is what was granted through a store and not given back, as far as it
// knows: what Close releases.
type grants struct {
	mu      sync.Mutex
	leases  map[grantee]grant
	sweepAt int
}

type grantee struct{ key, owner string }

// A grant is what was granted to a grantee.
type grant struct {
	mode driver.Mode
	ends int64 // by when it has ended if nobody extended it; 0: never
}

const firstSweep = 256

// base is when the store's own clock shows zero.
var base = time.Now()

func (g *grants) add(r *driver.Request, sent time.Time) {
	m := grant{mode: r.Mode}
	if r.Lease < reply.Longest {
		// The lease began on the server later than it was sent, by less
		// than a reply takes.
		m.ends = int64(sent.Sub(base)) + 2*int64(r.Lease) + int64(time.Minute)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leases == nil {
		g.leases, g.sweepAt = make(map[grantee]grant), firstSweep
	}
	g.leases[grantee{r.Key, r.Owner}] = m
	if len(g.leases) >= g.sweepAt {
		g.sweep(int64(time.Since(base)))
	}
}

// sweep forgets leases that ended and that nobody released. It runs when there
// are twice as many, so that each pays for one other.
func (g *grants) sweep(now int64) {
	for who, m := range g.leases {
		if m.ends != 0 && m.ends < now {
			delete(g.leases, who)
		}
	}
	g.sweepAt = max(firstSweep, 2*len(g.leases))
}

func (g *grants) remove(key, owner string) {
	g.mu.Lock()
	delete(g.leases, grantee{key, owner})
	g.mu.Unlock()
}

// all returns what is held.
func (g *grants) all() []driver.Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	rs := make([]driver.Request, 0, len(g.leases))
	for who, m := range g.leases {
		rs = append(rs, driver.Request{Key: who.key, Owner: who.owner, Mode: m.mode})
	}
	return rs
}
