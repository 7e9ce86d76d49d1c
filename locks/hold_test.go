package locks

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

// locksOfEveryKind are locks of every kind, with what they are told beside others.
func locksOfEveryKind(r Option) map[string]func(opts ...Option) *Lock {
	return map[string]func(opts ...Option) *Lock{
		"cache":  func(o ...Option) *Lock { return Cache("default", "k", append(o, r)...) },
		"read":   func(o ...Option) *Lock { return Read("default", "k", append(o, r)...) },
		"permit": func(o ...Option) *Lock { return Permit("default", "k", 2, append(o, r)...) },
		"local":  func(o ...Option) *Lock { return Local(o...) },
	}
}

// A Lease is its caller's alone: neither the value's Release nor another Lease's
// reaches it.
func TestLeaseIsItsCallersAlone(t *testing.T) {
	for name := range locksOfEveryKind(nil) {
		in(t, func(t *testing.T, b *bench) {
			l := locksOfEveryKind(WithRegistry(b.Registry))[name](WithWait(time.Second))
			h, err := l.Hold(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if l.Active() || !h.Active() || h.Key() != l.Key() || h.Remaining() == 0 || h.Token() == 0 {
				t.Errorf("%s: value %t, Lease %t of %q, token %d", name, l.Active(), h.Active(), h.Key(), h.Token())
			}
			wantIs(t, l.Release(t.Context()), ErrNotHeld)
			wantIs(t, context.Cause(l.Context(t.Context())), ErrNotHeld)
			if name == "read" || name == "permit" {
				mustAcquire(t, l)
				mustRelease(t, l)
			} else {
				wantIs(t, l.Acquire(t.Context()), ErrLockActive)
			}
			if !h.Active() {
				t.Errorf("%s: another's Release ended the Lease", name)
			}
			ctx := h.Context(t.Context())
			if err := h.Extend(t.Context(), time.Hour); err != nil || ctx.Err() != nil {
				t.Errorf("%s: %v, %v", name, err, ctx.Err())
			}
			if err := h.Release(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			wantIs(t, context.Cause(ctx), ErrNotHeld)
			wantIs(t, h.Release(t.Context()), ErrNotHeld)
			wantIs(t, h.Extend(t.Context(), time.Hour), ErrNotHeld)
			mustAcquire(t, l)
			wantIs(t, h.Release(t.Context()), ErrNotHeld)
			if !l.Active() {
				t.Errorf("%s: a Lease that is over ended the next one", name)
			}
			mustRelease(t, l)
		})
	}
}

// Hold returns an error, and no Lease, on a held key, whatever WithRaise says.
func TestHoldOfAHeldKey(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second} {
		in(t, func(t *testing.T, b *bench) {
			first, err := b.cache("k").Hold(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h, err := b.cache("k", WithRaise(false), WithWait(wait)).Hold(t.Context())
			wantIs(t, err, ErrLockActive)
			if h != nil {
				t.Errorf("a Lease of a key that another holds")
			}
			if err := first.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// One value that many hold gives each a Lease of its own.
func TestHoldsOfOneValueExcludeOneAnother(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithWait(Forever))
		var all sync.WaitGroup
		holders, last := 0, uint64(0)
		for range 50 {
			all.Go(func() {
				h, err := l.Hold(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				holders++
				if holders != 1 || h.Token() <= last {
					t.Errorf("%d holders, token %d after %d", holders, h.Token(), last)
				}
				last = h.Token()
				time.Sleep(time.Millisecond)
				holders--
				if err := h.Release(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// A Lease that was lost says so once it is released, and no lease after it is touched.
func TestLostLease(t *testing.T) {
	for name := range locksOfEveryKind(nil) {
		in(t, func(t *testing.T, b *bench) {
			l := locksOfEveryKind(WithRegistry(b.Registry))[name](WithExpire(time.Second))
			h, err := l.Hold(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			if h.Active() || h.Remaining() != 0 {
				t.Errorf("%s: active after its end", name)
			}
			wantIs(t, context.Cause(h.Context(t.Context())), ErrLockExpired)
			mustAcquire(t, l)
			wantIs(t, h.Extend(t.Context(), time.Hour), ErrLockLost)
			wantIs(t, h.Release(t.Context()), ErrLockExpired)
			if err := h.Release(t.Context()); !errors.Is(err, ErrLockLost) && !errors.Is(err, ErrNotHeld) {
				t.Errorf("%s: released twice: %v", name, err)
			}
			synctest.Wait()
			if !l.Active() {
				t.Errorf("%s: the Release of a lost Lease ended the next", name)
			}
			mustRelease(t, l)
		})
	}
}

// A Lease that the program drops is renewed no more, and told; one whose context is
// used stays.
func TestDroppedLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		kept := func() context.Context {
			h, err := b.cache("kept", WithKeepAlive(3*time.Second)).Hold(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.cache("dropped", WithKeepAlive(3*time.Second)).Hold(t.Context()); err != nil {
				t.Fatal(err)
			}
			return h.Context(context.WithValue(t.Context(), contextKeyOfATest{}, "used"))
		}()
		for range 10 {
			runtime.GC()
			time.Sleep(time.Second)
		}
		if !b.free(t, "dropped") {
			t.Error("a Lease that was dropped is renewed")
		}
		leaked := b.saw(concurrent.EventLeaked)
		if len(leaked) != 1 || leaked[0].Key != "dropped" || leaked[0].Err == nil || leaked[0].ID == 0 {
			t.Errorf("told of %+v", leaked)
		}
		if b.free(t, "kept") || kept.Err() != nil {
			t.Error("a Lease whose context is used was dropped")
		}
		h, ok := Held(kept)
		if !ok || h.Release(t.Context()) != nil {
			t.Error("not held by its context")
		}
	})
}

// Held finds the innermost lease that a context was made under; Detach hides it, with
// its token and its end.
func TestHeldAndDetach(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		values := context.WithValue(t.Context(), contextKeyOfATest{}, "value")
		if h, ok := Held(values); ok || h != nil {
			t.Error("held by nobody")
		}
		var detached, inside context.Context
		err := b.cache("outer").Do(values, func(ctx context.Context) error {
			outer, ok := Held(ctx)
			if !ok || !outer.Active() || outer.Key() != "outer" {
				t.Errorf("outer is %v, %t", outer, ok)
			}
			return Local().Do(ctx, func(ctx context.Context) error {
				inner, ok := Held(ctx)
				if token, _ := Token(ctx); !ok || inner.Key() != "" || inner.Token() != token {
					t.Errorf("inner is %v, %t", inner, ok)
				}
				if err := outer.Extend(ctx, time.Hour); err != nil || outer.Remaining() < 59*time.Minute {
					t.Errorf("extended to %v: %v", outer.Remaining(), err)
				}
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				inside, detached = ctx, Detach(short)
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if h, ok := Held(inside); !ok || h.Active() {
			t.Errorf("after its end: %v, %t", h, ok)
		}
		time.Sleep(time.Hour)
		if _, ok := Held(detached); ok {
			t.Error("a detached context has a lease")
		}
		if token, ok := Token(detached); ok {
			t.Errorf("a detached context has token %d", token)
		}
		_, deadline := detached.Deadline()
		if detached.Err() != nil || detached.Done() != nil || deadline || detached.Value(contextKeyOfATest{}) != "value" {
			t.Errorf("%v: %v, value %v", detached, detached.Err(), detached.Value(contextKeyOfATest{}))
		}
		under := b.cache("k")
		if err := under.Do(detached, func(ctx context.Context) error {
			if h, ok := Held(ctx); !ok || h.Key() != "k" {
				t.Error("no lease under a detached context")
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}
