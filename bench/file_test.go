package bench

import (
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"

	"github.com/concurrent-go/concurrent/locks"
)

// BenchmarkFile is one goroutine that takes and gives back a lock in a folder,
// and a file lock.
func BenchmarkFile(b *testing.B) {
	f := flock.New(filepath.Join(b.TempDir(), "lock"))
	b.Cleanup(func() { _ = f.Close() })
	turns(b, 1_000,
		contender{"flock", func(n int) error {
			for range n {
				if err := f.Lock(); err != nil {
					return err
				}
				if err := f.Unlock(); err != nil {
					return err
				}
			}
			return nil
		}},
		contender{"file", pairs(locks.Cache("file", "k", locks.WithRegistry(registry(b))))},
	)
}
