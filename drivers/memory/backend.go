package memory

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

const (
	shards = 64 // a power of two

	// spare tokens follow each token, for holders that pass their lease on.
	spare = 63

	// tokensPerMicro is how many tokens a backend could give in a microsecond
	// and still be behind the clock, from which the next one starts. It is 16
	// grants: far more than can be made.
	tokensPerMicro = 1 << 10

	// never is the end of a lease without end, on a backend's clock.
	never = int64(1) << 62
)

// A backend is what the stores of one name share.
type backend struct {
	seed   maphash.Seed
	base   time.Time // the backend's clock counts nanoseconds from here
	shards [shards]shard

	_      [64]byte // tokens change with every grant; what is above never does
	tokens atomic.Uint64
}

func newBackend() *backend {
	b := &backend{seed: maphash.MakeSeed(), base: time.Now()}
	b.tokens.Store(uint64(max(1, b.base.UnixMicro())) * tokensPerMicro)
	for i := range b.shards {
		b.shards[i].backend = b
		b.shards[i].entries = make(map[string]*entry)
		b.shards[i].sweepAt = firstSweep
	}
	return b
}

func (b *backend) shard(key string) *shard {
	return &b.shards[maphash.String(b.seed, key)%shards]
}

// token returns the first of spare+1 new tokens.
func (b *backend) token() uint64 { return b.tokens.Add(spare+1) - spare }

// A moment is one reading of the clock: as callers get it, and in nanoseconds
// on the backend's clock, which is the monotonic one.
type moment struct {
	t  time.Time
	ns int64
}

func (b *backend) now() moment {
	t := time.Now()
	return moment{t, int64(t.Sub(b.base))}
}

// clock is now().ns at half the cost.
func (b *backend) clock() int64 { return int64(time.Since(b.base)) }

// at returns when the backend's clock shows ns, the zero time for never.
func (m moment) at(ns int64) time.Time {
	if ns == never {
		return time.Time{}
	}
	return m.t.Add(time.Duration(ns - m.ns))
}

// end returns when a lease ends that begins now.
func end(now int64, lease time.Duration) int64 {
	if int64(lease) > never-now {
		return never
	}
	return now + int64(lease)
}
