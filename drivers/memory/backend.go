package memory

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

const (
	shards = 64 // a power of two

	// spare tokens follow each token, for holders that pass their lease on.
	spare = 63

	// tokensPerMicro is how many tokens a backend could give in a microsecond
	// and still be behind the clock, from which the next one starts. It is 16
	// grants: far more than can be made.
	tokensPerMicro = 1 << 10

	// never is the end of a lease without end.
	never = int64(1) << 62
)

// A backend is what the stores of one name share.
type backend struct {
	seed   maphash.Seed
	shards [shards]shard

	read   atomic.Pointer[moment] // both clocks as they were read last
	_      [64]byte               // tokens change with every grant; what is above seldom does
	tokens atomic.Uint64
}

func newBackend() *backend {
	b := &backend{seed: maphash.MakeSeed()}
	b.tokens.Store(uint64(max(1, time.Now().UnixMicro())) * tokensPerMicro)
	for i := range b.shards {
		b.shards[i].backend = b
		b.shards[i].entries = make(map[string]*entry)
		b.shards[i].sweepAt, b.shards[i].swept = firstSweep, clock.Mono()
	}
	return b
}

func (b *backend) shard(key string) *shard {
	return &b.shards[maphash.String(b.seed, key)%shards]
}

// token returns the first of spare+1 new tokens.
func (b *backend) token() uint64 { return b.tokens.Add(spare+1) - spare }

// A moment is one reading of the clock: as callers get it, and in nanoseconds
// on the monotonic clock.
type moment struct {
	t  time.Time
	ns int64
}

// now reads the monotonic clock, and the wall clock only when that was not done
// within the last millisecond: it costs as much again, and ran as far meanwhile.
func (b *backend) now() moment {
	ns := clock.Mono()
	if last := b.read.Load(); last != nil {
		if d := ns - last.ns; 0 <= d && d < int64(time.Millisecond) {
			return moment{last.t.Add(time.Duration(d)), ns}
		}
	}
	t := time.Now()
	m := moment{t, clock.At(t).Mono}
	b.read.Store(&m)
	return m
}

// at returns when the monotonic clock shows ns, the zero time for never.
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
