package file

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

// One lock taken and given back, beside a bare lock of the kernel, which has no
// lease, no token and no holder to show.
func BenchmarkPair(b *testing.B) {
	b.Run("peer=flock", func(b *testing.B) {
		l := flock.New(b.TempDir() + "/lock")
		for b.Loop() {
			if err := l.Lock(); err != nil {
				b.Fatal(err)
			}
			if err := l.Unlock(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("locks.Cache", func(b *testing.B) {
		l := locks.Cache("file", "key", locks.WithRegistry(registry(b)))
		b.ReportAllocs()
		for b.Loop() {
			if err := l.Acquire(b.Context()); err != nil {
				b.Fatal(err)
			}
			if err := l.Release(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, held := range []struct {
		name string
		n    int
	}{{"held=0", 0}, {"held=1000", 1000}, {"held=10000", 10000}} {
		b.Run(held.name, func(b *testing.B) { pairs(b, held.n) })
	}
}

func registry(b *testing.B) *concurrent.Registry {
	b.Helper()
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"file": {URL: "file://" + dirFor(b)}}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Shutdown(context.WithoutCancel(b.Context())) })
	return r
}

// pairs takes and gives back one lock while others are held.
func pairs(b *testing.B, held int) {
	s := openTest(b, dirFor(b))
	for range held {
		acquire(b, s, request(owner(), time.Hour))
	}
	r := request("key", time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.TryAcquire(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		if err := s.Release(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
