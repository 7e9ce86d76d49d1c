package memory

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	shards = 64
	// spare tokens follow each token, for holders that pass their lease on.
	spare = 63
	// tokensPerMicro leaves room for more grants than a machine can make, so
	// that the counter, started from the clock, stays behind the clock and a
	// later process starts above it.
	tokensPerMicro = 1 << 10
	// never is the end of a lease without end.
	never = int64(1) << 62
)

// A backend is what stores of one name share.
type backend struct {
	seed   maphash.Seed
	base   time.Time // leases are kept as nanoseconds since then
	tokens atomic.Uint64
	shards [shards]shard
}

func newBackend() *backend {
	b := &backend{seed: maphash.MakeSeed(), base: time.Now()}
	b.tokens.Store(uint64(b.base.UnixMicro()) * tokensPerMicro)
	for i := range b.shards {
		b.shards[i].backend = b
		b.shards[i].entries = make(map[string]*entry)
	}
	return b
}

// now is since of the present, for less than time.Now costs.
func (b *backend) now() int64 { return int64(time.Since(b.base)) }

// since returns t as nanoseconds on the backend's clock, the monotonic one.
func (b *backend) since(t time.Time) int64 { return int64(t.Sub(b.base)) }

// at is the opposite of since. The zero time stands for never.
func (b *backend) at(ns int64) time.Time {
	if ns == never {
		return time.Time{}
	}
	return b.base.Add(time.Duration(ns))
}

func (b *backend) shard(key string) *shard {
	return &b.shards[maphash.String(b.seed, key)%shards]
}

// token returns the first of spare+1 new tokens.
func (b *backend) token() uint64 { return b.tokens.Add(spare+1) - spare }

// until returns the end of a lease that begins now.
func until(now int64, lease time.Duration) int64 {
	if lease == driver.Forever || now+int64(lease) > never || now+int64(lease) < 0 {
		return never
	}
	return now + int64(lease)
}

// A shard is a part of the keys under one mutex.
type shard struct {
	backend *backend

	mu      sync.Mutex
	entries map[string]*entry
	sweepAt int
	free    []*entry

	_ [24]byte // two shards on one cache line would slow each other down
}

const (
	keepFree   = 64  // entries kept for reuse
	firstSweep = 128 // keys in a shard before expired ones are looked for
)

// entry returns the entry of key, a new one if need be.
func (s *shard) entry(key string, now int64) *entry {
	if e := s.entries[key]; e != nil {
		return e
	}
	if len(s.entries) >= max(s.sweepAt, firstSweep) {
		s.sweep(now)
	}
	var e *entry
	if n := len(s.free); n > 0 {
		e, s.free = s.free[n-1], s.free[:n-1]
	} else {
		e = new(entry)
	}
	e.key = key
	s.entries[key] = e
	return e
}

// sweep forgets the leases that ended and that nobody has looked at since. It
// runs when the shard has doubled, so that each key pays for one other.
func (s *shard) sweep(now int64) {
	for _, e := range s.entries {
		if e.queue == nil {
			e.expire(now)
			s.drop(e)
		}
	}
	s.sweepAt = 2 * len(s.entries)
}

// drop forgets an entry that nobody holds or waits for.
func (s *shard) drop(e *entry) {
	if len(e.holders) > 0 || e.queue != nil {
		return
	}
	delete(s.entries, e.key)
	if len(s.free) < keepFree {
		*e = entry{}
		s.free = append(s.free, e)
	}
}
