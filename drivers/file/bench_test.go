package file

import (
	"testing"
	"time"

	"github.com/gofrs/flock"
)

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
	for _, held := range []struct {
		name string
		n    int
	}{{"held=0", 0}, {"held=1000", 1000}, {"held=10000", 10000}} {
		b.Run(held.name, func(b *testing.B) {
			s := openTest(b, dirFor(b))
			for range held.n {
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
		})
	}
}
