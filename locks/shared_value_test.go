package locks

import (
	"sync"
	"testing"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
)

// Goroutines share one value: one looks at its lease just as another gives it
// back. That is no loss.
func TestAReleaseElsewhereIsNoLoss(t *testing.T) {
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"it": {URL: "memory://"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Shutdown(t.Context()) })
	l := Cache("it", "k", WithRegistry(r), WithWait(Forever))
	const goroutines, times = 16, 5_000
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range times {
				if err := l.Acquire(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if err := l.Release(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
