// Package backoff says how long to wait before the next try.
package backoff

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// A Backoff is the pauses between tries: the first is First, each other one twice
// the one before, Most at most. Each is shortened, by up to a quarter, by a part that
// Seed decides, so that those who failed together do not come back together.
type Backoff struct {
	First, Most time.Duration
	Seed        uint64 // 0: a random one
	tries       int
}

// Seed returns a seed that is the same for the same text.
func Seed(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64() | 1
}

// Next returns the next pause.
func (b *Backoff) Next() time.Duration {
	if b.Seed == 0 {
		b.Seed = rand.Uint64() | 1
	}
	d := b.Most
	if b.tries < 32 && b.First < b.Most>>b.tries {
		d = b.First << b.tries
	}
	b.tries++
	part := (b.Seed * (2*uint64(b.tries) + 1)) >> 48 // of 1<<16
	return d - time.Duration(float64(d)/4*float64(part)/(1<<16))
}

// Reset begins again with the first pause.
func (b *Backoff) Reset() { b.tries = 0 }
