package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
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
		c.mu.Lock()
		n := 0
		for at := c.contexts; at != nil; at = at.next {
			n++
		}
		c.mu.Unlock()
		if n != 0 {
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
