package locks

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

func TestContextOfNothingHeld(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(time.Second))
		ctx := l.Context(t.Context())
		wantIs(t, context.Cause(ctx), ErrNotHeld)
		wantIs(t, ctx.Err(), context.Canceled)
		mustAcquire(t, l)
		time.Sleep(2 * time.Second)
		wantIs(t, context.Cause(l.Context(t.Context())), ErrLockExpired)
		_ = l.Release(t.Context())
	})
}

func TestContextEndsWithReleaseAndWithItsParent(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		type key struct{}
		l := b.cache("k")
		mustAcquire(t, l)
		parent, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Minute)
		defer cancel()
		ctx := l.Context(parent)
		deadline, ok := ctx.Deadline()
		want, _ := parent.Deadline()
		if !ok || deadline != want || ctx.Value(key{}) != "value" || ctx.Err() != nil {
			t.Errorf("deadline %v, value %v, %v", deadline, ctx.Value(key{}), ctx.Err())
		}
		if token, ok := Token(ctx); !ok || token != l.Token() {
			t.Errorf("token %d", token)
		}
		child, stop := context.WithCancel(ctx)
		defer stop()
		mustRelease(t, l)
		<-child.Done()
		wantIs(t, context.Cause(ctx), ErrNotHeld)
		wantNot(t, context.Cause(ctx), ErrLockLost)

		mustAcquire(t, l)
		ctx = l.Context(parent)
		<-ctx.Done()
		wantIs(t, context.Cause(ctx), context.DeadlineExceeded)
		if !l.Active() {
			t.Error("the lease ended with a context made of it")
		}
		mustRelease(t, l)
	})
}

// A long lease does not collect the contexts of short calls.
func TestContextsOfShortCallsAreForgotten(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		for range 100 {
			parent, cancel := context.WithCancel(t.Context())
			_ = l.Context(parent).Done()
			cancel()
		}
		synctest.Wait()
		c := l.current.Load()
		c.extras().mu.Lock()
		n := 0
		if ends := c.extras().ends; ends != nil {
			n = len(ends.more)
			if ends.one != nil {
				n++
			}
		}
		c.extras().mu.Unlock()
		if n > leastSweep+1 {
			t.Errorf("%d contexts are remembered", n)
		}
		mustRelease(t, l)
	})
}

// Nothing is made for a context that nobody looks at.
func TestContextsAreMadeWhenLookedAt(t *testing.T) {
	r := memoryRegistry(t)
	l := Cache("default", "k", WithRegistry(r))
	ctx := context.Background()
	got := testing.AllocsPerRun(1000, func() {
		if err := l.Do(ctx, func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
	if got > 3 {
		t.Errorf("%v allocations of a Do whose fn does not look at its context", got)
	}
}

// A context of a lock ends for all that are made of it, without a goroutine for
// any of them.
func TestContextsNeedNoGoroutine(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		before := runtime.NumGoroutine()
		var all []context.Context
		for range 100 {
			ctx := l.Context(context.Background())
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			all = append(all, ctx, child)
		}
		if more := runtime.NumGoroutine() - before; more > 0 {
			t.Errorf("%d goroutines more", more)
		}
		mustRelease(t, l)
		for _, ctx := range all {
			wantIs(t, context.Cause(ctx), ErrNotHeld)
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Fatalf("Err is %v", ctx.Err())
			}
		}
	})
}

// Contexts made before and after a loss say the same.
func TestContextsOfALostLock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		unseen, seen := l.Context(t.Context()), l.Context(t.Context())
		_ = seen.Done()
		if _, err := Break(t.Context(), "default", "k", WithRegistry(b.Registry)); err != nil {
			t.Fatal(err)
		}
		<-seen.Done()
		for _, ctx := range []context.Context{unseen, seen, l.Context(t.Context())} {
			wantIs(t, ctx.Err(), context.Canceled)
			wantIs(t, context.Cause(ctx), ErrLockLost)
			wantNot(t, context.Cause(ctx), ErrLockExpired)
		}
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		wantIs(t, context.Cause(l.Context(t.Context())), ErrNotHeld)
	})
}

// A parent that has ended ends the context, with the parent's cause, and says
// nothing about the lock.
func TestContextOfAnEndedParent(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		parent, cancel := context.WithCancelCause(t.Context())
		before := l.Context(parent)
		cancel(errOfFn)
		for _, ctx := range []context.Context{before, l.Context(parent)} {
			wantIs(t, ctx.Err(), context.Canceled)
			wantIs(t, context.Cause(ctx), errOfFn)
			select {
			case <-ctx.Done():
			default:
				t.Error("Done is not closed")
			}
		}
		if !l.Active() {
			t.Error("the lease ended with the parent")
		}
		mustRelease(t, l)
	})
}

// The token is the innermost lock's, and stays what it was after the end: a
// late write is told apart by it.
func TestTokenOfNestedContexts(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		outer, inner := b.cache("outer"), b.cache("inner")
		mustAcquire(t, outer)
		mustAcquire(t, inner)
		one := outer.Context(t.Context())
		two := inner.Context(one)
		for ctx, want := range map[context.Context]uint64{one: outer.Token(), two: inner.Token(), context.WithoutCancel(two): inner.Token()} {
			if got, ok := Token(ctx); !ok || got != want {
				t.Errorf("token %d, %t; want %d", got, ok, want)
			}
		}
		want := inner.Token()
		mustRelease(t, inner)
		if got, ok := Token(two); !ok || got != want {
			t.Errorf("after the release: token %d, %t; want %d", got, ok, want)
		}
		if one.Err() != nil || two.Err() == nil {
			t.Errorf("the inner lock's end: outer %v, inner %v", one.Err(), two.Err())
		}
		mustRelease(t, outer)
	})
}

// A store without tokens gives none to its contexts.
func TestTokenOfAStoreWithoutTokens(t *testing.T) {
	on(t, tokenless{memory.New()}, func(t *testing.T, r Option) {
		l := Cache("default", "k", r)
		err := l.Do(t.Context(), func(ctx context.Context) error {
			if token, ok := Token(ctx); ok || token != 0 {
				t.Errorf("token %d, %t", token, ok)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		wait := []Option{r, WithWait(Forever)}
		one, two := Cache("default", "k", wait...), Cache("default", "k", wait...)
		mustAcquire(t, one)
		done := queued(t, two)
		mustRelease(t, one)
		if err := <-done; err != nil || two.Token() != 0 {
			t.Errorf("passed on with token %d, %v", two.Token(), err)
		}
		mustRelease(t, two)
		wantIs(t, Cache("default", "k", r, WithFencing()).Acquire(t.Context()), ErrUnsupported)
	})
}

// tokenless is a store that gives no tokens.
type tokenless struct{ *memory.Store }

func (s tokenless) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, err := s.Store.TryAcquire(ctx, r)
	g.Token = 0
	return g, err
}

func (s tokenless) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, err := s.Store.Acquire(ctx, r)
	g.Token = 0
	return g, err
}

func (tokenless) Features() driver.Features {
	return driver.Features{MinLease: time.Millisecond}
}
