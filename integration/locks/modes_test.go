package locks

import (
	"testing"

	"github.com/concurrent-go/concurrent/locks"
)

func TestReadersShareAndExcludeAWriter(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		readers := []*locks.Lock{p.read("k"), p.read("k"), other.read("k")}
		for _, r := range readers {
			acquire(t, r)
		}
		writer := other.cache("k", locks.WithWait(locks.Forever))
		refused(t, other.cache("k"))
		over := waits(t.Context(), t, p, writer)
		for _, r := range readers {
			release(t, r)
		}
		if err := done(t, "the writer got the lock", over); err != nil {
			t.Fatal(err)
		}
		refused(t, p.read("k"))
		release(t, writer)
		acquire(t, readers[0])
		release(t, readers[0])
	})
}

func TestASemaphoreHasItsPermits(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		one, two, three := p.permit("k", 2), other.permit("k", 2), p.permit("k", 2, locks.WithWait(locks.Forever))
		acquire(t, one)
		acquire(t, two)
		refused(t, other.permit("k", 2))
		over := waits(t.Context(), t, p, three)
		release(t, two)
		if err := done(t, "the third got a permit", over); err != nil {
			t.Fatal(err)
		}
		release(t, one)
		release(t, three)
	})
}
