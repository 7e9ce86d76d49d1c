package redis

import (
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// held is what was granted through a store and not given back, as far as it
// knows: what Close releases.
type held struct {
	mu      sync.Mutex
	leases  map[grantee]mine
	sweepAt int
}

type grantee struct{ key, owner string }

type mine struct {
	mode driver.Mode
	ends int64 // by when it has ended if nobody extended it; 0: never
}

const firstSweep = 256

// base is when the store's own clock shows zero.
var base = time.Now()

func (h *held) add(r *driver.Request, sent time.Time) {
	m := mine{mode: r.Mode}
	if r.Lease < reply.Longest {
		// The lease began on the server later than it was sent, by less
		// than a reply takes.
		m.ends = int64(sent.Sub(base)) + 2*int64(r.Lease) + int64(time.Minute)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leases == nil {
		h.leases, h.sweepAt = make(map[grantee]mine), firstSweep
	}
	h.leases[grantee{r.Key, r.Owner}] = m
	if len(h.leases) >= h.sweepAt {
		h.sweep(int64(time.Since(base)))
	}
}

// sweep forgets leases that ended and that nobody released. It runs when there
// are twice as many, so that each pays for one other.
func (h *held) sweep(now int64) {
	for g, m := range h.leases {
		if m.ends != 0 && m.ends < now {
			delete(h.leases, g)
		}
	}
	h.sweepAt = max(firstSweep, 2*len(h.leases))
}

func (h *held) remove(key, owner string) {
	h.mu.Lock()
	delete(h.leases, grantee{key, owner})
	h.mu.Unlock()
}

// all returns what is held.
func (h *held) all() []driver.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	rs := make([]driver.Request, 0, len(h.leases))
	for g, m := range h.leases {
		rs = append(rs, driver.Request{Key: g.key, Owner: g.owner, Mode: m.mode})
	}
	return rs
}
