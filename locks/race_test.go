package locks

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
)

// Extend changes a lease while it is renewed, released and passed on. This test
// is for the race detector.
func TestExtendBesideAllThatALeaseGoesThrough(t *testing.T) {
	t.Parallel()
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"a": {URL: "memory://", Lease: 20 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	var turns, extends sync.WaitGroup
	for range 3 {
		l := Cache("a", "k", WithRegistry(r), WithWait(Forever))
		turns.Go(func() {
			for range 200 {
				if err := l.Acquire(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if err := l.Release(t.Context()); err != nil && !errors.Is(err, ErrLockLost) {
					t.Error(err)
				}
			}
		})
		extends.Go(func() {
			for d := 10 * time.Millisecond; ; d = 30*time.Millisecond - d {
				select {
				case <-over:
					return
				default:
					_ = l.Extend(t.Context(), d) // most often nothing is held
				}
			}
		})
	}
	turns.Wait()
	close(over)
	extends.Wait()
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
