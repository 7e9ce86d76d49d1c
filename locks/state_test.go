package locks

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/concurrent-go/concurrent"
)

// A context that is made while its lease ends has ended too once both are done.
func TestContextMadeAsTheLeaseEnds(t *testing.T) {
	t.Parallel()
	r := memoryRegistry(t)
	parent, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range 4000 {
		l := Cache("default", "k", WithRegistry(r))
		mustAcquire(t, l)
		of := parent
		if i%2 == 0 {
			of = context.Background()
		}
		ctx := l.Context(of)
		var both sync.WaitGroup
		both.Go(func() { ctx.Done() })
		both.Go(func() { mustRelease(t, l) })
		both.Wait()
		select {
		case <-ctx.Done():
			wantIs(t, context.Cause(ctx), ErrNotHeld)
		default:
			t.Fatal("the lease is over, and its context goes on")
		}
	}
}

// A lease that is lost while its observer is told that it was got is told to be lost
// once, whoever comes first.
func TestLossBesideTheWordThatItWasGot(t *testing.T) {
	t.Parallel()
	b := newBench(t, concurrent.Config{})
	var l *Lock
	var lost sync.WaitGroup
	b.Registry.Observe(&recorder{do: func(_ context.Context, e concurrent.Event) {
		if e.Kind == concurrent.EventAcquired {
			c := l.current.Load()
			lost.Go(func() { c.lose(c.fail("hold", ErrLockLost)) })
		}
	}})
	const rounds = 3000
	for i := range rounds {
		l = b.cache(strconv.Itoa(i))
		if err := l.Acquire(t.Context()); err != nil && !errors.Is(err, ErrLockLost) {
			t.Fatal(err)
		}
		lost.Wait()
		_ = l.Release(t.Context()) // its loss was told
	}
	_ = b.Shutdown(t.Context()) // tells what is left to be told
	b.down = true
	if n := len(b.saw(concurrent.EventLost)); n != rounds {
		t.Errorf("%d losses of %d were told", n, rounds)
	}
}
