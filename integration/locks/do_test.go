package locks

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/concurrent-go/concurrent/locks"
)

func TestDoHoldsTheLock(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k"), b.process(t).cache("k")
		errOwn := errors.New("the function's")
		n, err := locks.Do(t.Context(), one, func(ctx context.Context) (int, error) {
			refused(t, two)
			if err := one.Do(ctx, func(context.Context) error { return nil }); !errors.Is(err, locks.ErrLockActive) {
				t.Errorf("Do inside Do: %v", err)
			}
			if token, ok := locks.Token(ctx); !ok || token == 0 {
				t.Errorf("token %d, %t", token, ok)
			}
			return 7, errOwn
		})
		if n != 7 || !errors.Is(err, errOwn) {
			t.Errorf("%d, %v", n, err)
		}
		free(t, two)
	})
}

func TestDoReleasesWhenItPanics(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k"), b.process(t).cache("k")
		func() {
			defer func() {
				if recover() != "oops" {
					t.Error("the panic did not come through")
				}
			}()
			_ = one.Do(t.Context(), func(context.Context) error { panic("oops") })
		}()
		free(t, two)
	})
}

func TestGetOrSetComputesOnce(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		var computed atomic.Int32
		var value atomic.Pointer[string]
		get := func(context.Context) (string, bool, error) {
			if v := value.Load(); v != nil {
				return *v, true, nil
			}
			return "", false, nil
		}
		compute := func(context.Context) (string, error) {
			computed.Add(1)
			v := "made"
			value.Store(&v)
			return v, nil
		}
		var all sync.WaitGroup
		for range 3 {
			l := b.process(t).cache("k")
			for range 4 {
				all.Go(func() {
					if v, err := locks.GetOrSet(t.Context(), l, get, compute); v != "made" || err != nil {
						t.Errorf("%q, %v", v, err)
					}
				})
			}
		}
		all.Wait()
		if n := computed.Load(); n != 1 {
			t.Errorf("computed %d times", n)
		}
	})
}

func TestAKeyedLockForEachValue(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		users := locks.NewKeyed("it", func(id int) string { return "user:" + string(rune('0'+id)) }, locks.WithRegistry(p.registry))
		one := users.Lock(1)
		acquire(t, one)
		free(t, users.Lock(2))
		refused(t, other.cache("user:1"))
		release(t, one)
		free(t, other.cache("user:1"))
	})
}

func TestShutdownWaitsForWhoHolds(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		one := p.cache("k")
		acquire(t, one)
		waiting := p.cache("k", locks.WithWait(locks.Forever))
		over := waits(t.Context(), t, other, waiting)
		ended := make(chan error, 1)
		go func() { ended <- p.registry.Shutdown(t.Context()) }()
		if err := done(t, "the wait ended", over); !errors.Is(err, locks.ErrClosed) {
			t.Errorf("a wait when the registry is shut down: %v", err)
		}
		if !one.Active() {
			t.Error("Shutdown took the lock from its holder")
		}
		refused(t, other.cache("k"))
		release(t, one)
		if err := done(t, "Shutdown returned", ended); err != nil {
			t.Error(err)
		}
		if err := p.cache("k").Acquire(t.Context()); !errors.Is(err, locks.ErrClosed) {
			t.Errorf("Acquire after Shutdown: %v", err)
		}
		free(t, other.cache("k"))
	})
}
