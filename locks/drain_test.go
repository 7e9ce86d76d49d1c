package locks

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/internal/defaultregistry"
)

// endings are the two ways to end the use of an alias.
func endings(b *bench) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Shutdown": b.Shutdown,
		"Remove":   func(ctx context.Context) error { return b.Remove(ctx, "default") },
	}
}

// drainOf gives a test both ways, in a bench of its own each.
func drainOf(t *testing.T, f func(t *testing.T, b *bench, end func(ctx context.Context) error)) {
	t.Helper()
	for name := range endings(&bench{Registry: concurrent.NewRegistry()}) {
		in(t, func(t *testing.T, b *bench) {
			b.down = true
			f(t, b, endings(b)[name])
		})
	}
}

// The error says which keys were waited for, who holds them and since when; of many,
// the first and how many more.
func TestDrainNamesKeysAndHolders(t *testing.T) {
	for _, n := range []int{1, 3, 200} {
		drainOf(t, func(t *testing.T, b *bench, end func(ctx context.Context) error) {
			var held []*Lock // so that none is collected
			for i := range n {
				l := b.cache(fmt.Sprint("key-", i), WithLabel("the nightly job"))
				mustAcquire(t, l)
				held = append(held, l)
				time.Sleep(time.Second)
			}
			defer runtime.KeepAlive(&held)
			h, err := b.cache(strings.Repeat("long", 200)).Hold(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = end(ctx)
			wantIs(t, err, context.DeadlineExceeded)
			wants := []string{`"key-0"`, `"the nightly job"`, "default"}
			if n > 10 {
				wants = append(wants, fmt.Sprintf("and %d more", n+1-mostNamed))
			}
			for _, want := range wants {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%d held: %v does not say %q", n, err, want)
				}
			}
			if err != nil && (len(err.Error()) > 2000 || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%d held: %d bytes: %v", n, len(err.Error()), err)
			}
			wantIs(t, h.Release(t.Context()), ErrLockLost)
		})
	}
}

// A drain that waits says after ten seconds whom for, and goes on saying it.
func TestDrainWarnsOfWhomItWaitsFor(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("forgotten", WithLabel("the nightly job"))
		mustAcquire(t, l)
		down := meanwhile(func() error { return b.Shutdown(context.Background()) })
		for i, wait := range []time.Duration{9 * time.Second, 2 * time.Second, 30 * time.Second} {
			time.Sleep(wait)
			warned := b.saw(concurrent.EventStoreWarning)
			if least := []int{0, 1, 3}[i]; len(warned) < least || i == 0 && len(warned) > 0 {
				t.Fatalf("told %d times", len(warned))
			}
			for _, e := range warned {
				if e.Err == nil || !strings.Contains(e.Err.Error(), `"forgotten"`) || !strings.Contains(e.Err.Error(), "the nightly job") {
					t.Errorf("told %v", e.Err)
				}
			}
		}
		mustRelease(t, l)
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}

// deaf is a driver that does not look at its context, until it is let go.
func deaf() (s step, letGo func()) {
	gone := make(chan struct{})
	return func(context.Context, func() error) error { <-gone; return errLost }, func() { close(gone) }
}

// A drain returns within its ctx, and a moment, whatever call the driver hangs in, and
// though it does not look at the context of the call.
func TestDrainReturnsWithinItsContext(t *testing.T) {
	for call, hang := range map[string]func(s *scripted, p step){
		"renewal":  func(s *scripted, p step) { s.extend = p },
		"release":  func(s *scripted, p step) { s.release = p },
		"acquire":  func(s *scripted, p step) { s.try, s.acquire = p, p },
		"anything": func(s *scripted, p step) { s.try, s.acquire, s.extend, s.release = p, p, p, p },
	} {
		for _, bound := range []time.Duration{0, time.Second, 20 * time.Second} {
			drainOf(t, func(t *testing.T, b *bench, end func(ctx context.Context) error) {
				p, letGo := deaf()
				held, released := b.cache("held", WithKeepAlive(600*time.Millisecond)), b.cache("released")
				mustAcquire(t, held)
				mustAcquire(t, released)
				b.store.script(func(s *scripted) { hang(s, p) })
				go func() { _ = released.Release(context.Background()) }()
				for _, wait := range []time.Duration{0, Forever} {
					go func() { _ = b.cache("asked", WithWait(wait)).Acquire(context.Background()) }()
				}
				time.Sleep(time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), bound)
				defer cancel()
				began := time.Now()
				err := end(ctx)
				if took := time.Since(began); took > bound+250*time.Millisecond {
					t.Errorf("hangs in %s: took %v of %v", call, took, bound)
				}
				if held.Active() {
					t.Errorf("hangs in %s: active after %v", call, err)
				}
				b.store.script(func(s *scripted) { hang(s, nil) })
				letGo()
				time.Sleep(5 * time.Minute)
			})
		}
	}
}

// What a drain abandons is given back on a store of the program's own, which nobody
// closes; what is to be kept is kept.
func TestDrainGivesBackOnAStoreOfOnesOwn(t *testing.T) {
	for _, n := range []int{1, 300} {
		drainOf(t, func(t *testing.T, b *bench, end func(ctx context.Context) error) {
			held := holdMany(t, n, "k", WithRegistry(b.Registry), WithExpire(Forever))
			for _, l := range []*Lock{
				Read("default", "read", WithRegistry(b.Registry)), Permit("default", "permit", 3, WithRegistry(b.Registry)),
				b.cache("kept", WithExpire(time.Hour), WithKeep()),
			} {
				mustAcquire(t, l)
				held = append(held, l)
			}
			defer runtime.KeepAlive(&held)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			wantIs(t, end(ctx), context.DeadlineExceeded)
			for _, key := range []string{"k0", fmt.Sprint("k", n-1), "read", "permit"} {
				if !b.free(t, key) {
					t.Errorf("%q of %d is held after the drain", key, n)
				}
			}
			if b.free(t, "kept") {
				t.Error("what was to be kept is free")
			}
			time.Sleep(time.Hour)
			if !b.free(t, "kept") {
				t.Error("kept for longer than it was to be")
			}
		})
	}
}

// Every wait ends with ErrClosed at once, on a store that is away too.
func TestDrainEndsWaitsInAnOutage(t *testing.T) {
	for how, outage := range outages {
		drainOf(t, func(t *testing.T, b *bench, end func(ctx context.Context) error) {
			b.away(outage)
			var waits []<-chan error
			for _, f := range waiters(WithRegistry(b.Registry), WithWait(Forever), WithRaise(false)) {
				waits = append(waits, queued(t, f()), queued(t, f()))
			}
			time.Sleep(20 * time.Second)
			began := time.Now()
			down := meanwhile(func() error { return end(context.Background()) })
			for _, w := range waits {
				err := <-w
				wantIs(t, err, ErrLockAcquire, ErrClosed)
				wantNot(t, err, ErrLockActive)
			}
			if took := time.Since(began); took > 0 {
				t.Errorf("%s: the waits ended after %v", how, took)
			}
			t.Log(<-down)
			b.away(nil)
			time.Sleep(10 * time.Minute)
		})
	}
}

// A Lock whose alias was removed and configured again finds the new store, whatever it
// did before.
func TestLockOfAnAliasConfiguredAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		locks := map[string]*Lock{
			"cache": b.cache("k"), "waits": b.cache("w", WithWait(time.Minute)), "never used": b.cache("n"),
			"read": Read("default", "r", WithRegistry(b.Registry), WithWait(time.Minute)), "lost": b.cache("l", WithExpire(Forever)),
		}
		for name, l := range locks {
			if name != "never used" {
				mustAcquire(t, l)
			}
			if name != "never used" && name != "lost" {
				mustRelease(t, l)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, b.Remove(ctx, "default"), context.DeadlineExceeded)
		wantIs(t, locks["cache"].Acquire(t.Context()), concurrent.ErrUnknownAlias)
		wantIs(t, locks["lost"].Acquire(t.Context()), ErrLockLost)
		wantIs(t, locks["lost"].Release(t.Context()), ErrLockLost)
		again := memory.New()
		if err := b.Configure(concurrent.Aliases{"default": {Store: again, Prefix: "new-"}}); err != nil {
			t.Fatal(err)
		}
		for name, l := range locks {
			mustAcquire(t, l)
			info, err := again.Inspect(t.Context(), "new-"+l.Key())
			if err != nil || len(info.Holders) != 1 {
				t.Errorf("%s: the new store knows %v, %v", name, info, err)
			}
			mustRelease(t, l)
		}
	})
}

// A Lock of the default registry finds the one that is the default now, also where each
// is used in a synctest bubble of its own.
func TestLockOfAnotherDefaultRegistry(t *testing.T) {
	locks := []*Lock{
		Cache("default", "k"), Cache("default", "w", WithWait(time.Minute)), Read("default", "r", WithWait(time.Minute)),
		Permit("default", "p", 2, WithWait(time.Minute)), Read("default", "r2"),
	}
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			r := concurrent.NewRegistry()
			st := memory.New()
			if err := r.Configure(concurrent.Aliases{"default": {Store: st}}); err != nil {
				t.Fatal(err)
			}
			before := defaultregistry.Swap(r)
			defer defaultregistry.Swap(before)
			for _, l := range locks {
				mustAcquire(t, l)
				if info, err := st.Inspect(t.Context(), l.Key()); err != nil || len(info.Holders) != 1 {
					t.Errorf("the store of the default registry knows %v, %v", info, err)
				}
				mustRelease(t, l)
			}
			if err := r.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A lease that was released long before its end leaves no timer behind a Shutdown, which
// would keep all that the alias had.
func TestShutdownLeavesNoTimer(t *testing.T) {
	t.Parallel()
	kept := func() weak.Pointer[client] {
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{"default": {Store: memory.New()}}); err != nil {
			t.Fatal(err)
		}
		l := Cache("default", "k", WithRegistry(r), WithExpire(24*time.Hour))
		mustAcquire(t, l)
		c := weak.Make(l.resolved.Load().client)
		mustRelease(t, l)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c
	}()
	for range 20 {
		if runtime.GC(); kept.Value() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("something keeps the client of an alias that was shut down")
}
