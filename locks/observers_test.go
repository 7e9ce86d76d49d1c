package locks

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// stuck has the observer hang at one kind of event of key "stuck", until it is let go.
func stuck(at concurrent.EventKind) (o *recorder, letGo func()) {
	gone := make(chan struct{})
	return &recorder{do: func(_ context.Context, e concurrent.Event) {
		if e.Kind == at && e.Key == "stuck" {
			<-gone
		}
	}}, sync.OnceFunc(func() { close(gone) })
}

// useStuck has locks of key "stuck" go through all that is told.
func useStuck(b *bench) {
	ctx := context.Background()
	go func() { // who is renewed, then lost or released
		l := b.cache("stuck", WithKeepAlive(600*time.Millisecond), WithMaxHold(2*time.Second))
		if l.Acquire(ctx) == nil {
			time.Sleep(time.Minute)
			_ = l.Release(ctx)
		}
	}()
	synctest.Wait()
	go func() { _ = b.cache("stuck").Acquire(ctx) }() // who is refused
	for range 2 {                                     // who waits
		go func() {
			_ = b.cache("stuck", WithWait(time.Minute), WithKeepAlive(600*time.Millisecond)).Do(ctx, func(context.Context) error { return nil })
		}()
	}
}

// An observer that hangs at any kind of event delays no lease of others, ends none late
// and keeps no key: the key that it hangs over is free when its lease is over.
func TestObserverThatHangsDelaysNobody(t *testing.T) {
	for kind := concurrent.EventAcquired; kind <= concurrent.EventStoreWarning; kind++ {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, concurrent.Config{})
			o, letGo := stuck(kind)
			defer letGo()
			b.Registry.Observe(o)
			renewed, fixed := b.cache("renewed", WithKeepAlive(600*time.Millisecond)), b.cache("fixed", WithExpire(5*time.Second))
			mustAcquire(t, renewed)
			useStuck(b)
			mustAcquire(t, fixed)
			began := time.Now()
			<-fixed.Context(t.Context()).Done()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%v: a lease of 5s ended after %v", kind, took)
			}
			time.Sleep(20 * time.Second)
			if !renewed.Active() {
				t.Errorf("%v: another lease was not renewed", kind)
			}
			if !b.free(t, "stuck") {
				t.Errorf("%v: the key that the observer hangs over is held", kind)
			}
			r := driver.Request{Key: "stuck", Owner: "another", Lease: time.Second}
			if _, err := b.store.Store.TryAcquire(t.Context(), r); err != nil {
				t.Errorf("%v: %v", kind, err)
			}
			began = time.Now()
			mustRelease(t, renewed)
			wantIs(t, fixed.Release(t.Context()), ErrLockExpired)
			if took := time.Since(began); took != 0 {
				t.Errorf("%v: releases took %v", kind, took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began = time.Now()
			_ = b.Shutdown(ctx)
			b.down = true
			if took := time.Since(began); took > 1250*time.Millisecond {
				t.Errorf("%v: a Shutdown of a second took %v", kind, took)
			}
			letGo()
			time.Sleep(2 * time.Minute)
		})
	}
}

// A slow observer costs its callers time and no lease, however many are renewed.
func TestSlowObserverLosesNoLease(t *testing.T) {
	for _, slow := range []time.Duration{20 * time.Millisecond, time.Second} {
		in(t, func(t *testing.T, b *bench) {
			all := holdMany(t, 100, "k", WithRegistry(b.Registry), WithKeepAlive(600*time.Millisecond))
			remove := b.Registry.Observe(&recorder{do: func(_ context.Context, e concurrent.Event) {
				if e.Kind == concurrent.EventRenewed {
					time.Sleep(slow)
				}
			}})
			time.Sleep(10 * time.Second)
			lost := 0
			for _, l := range all {
				if !l.Active() {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("an observer that takes %v loses %d leases of 100", slow, lost)
			}
			remove()
			for _, l := range all {
				_ = l.Release(t.Context())
			}
			b.down = true
			time.Sleep(time.Hour)
		})
	}
}

// An observer that shuts the registry down, or uses locks, at any kind of event hinders
// nobody.
func TestObserverThatCallsShutdown(t *testing.T) {
	for kind := concurrent.EventAcquired; kind <= concurrent.EventStoreWarning; kind++ {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, concurrent.Config{})
			b.down = true
			var took atomic.Int64
			var begun atomic.Bool
			b.Registry.Observe(&recorder{do: func(_ context.Context, e concurrent.Event) {
				if e.Kind == kind && e.Key == "stuck" && begun.CompareAndSwap(false, true) {
					began := time.Now()
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
					defer cancel()
					_ = b.Shutdown(ctx)
					took.Store(int64(time.Since(began)))
				}
			}})
			useStuck(b)
			time.Sleep(5 * time.Minute)
			if took := time.Duration(took.Load()); took > 10500*time.Millisecond {
				t.Errorf("%v: a Shutdown of 10s took %v", kind, took)
			}
			if !b.free(t, "stuck") {
				t.Errorf("%v: held", kind)
			}
		})
	}
}

// One whose context never ends is told at once that it can't wait, whoever began the
// drain, and holders are waited for all the same.
func TestObserverThatCallsShutdownWithoutEnd(t *testing.T) {
	for _, kind := range []concurrent.EventKind{
		concurrent.EventAcquired, concurrent.EventRefused, concurrent.EventWaiting, concurrent.EventRenewed,
		concurrent.EventReleased, concurrent.EventLost,
	} {
		for name, opts := range map[string][]Option{
			"for ever": {WithExpire(Forever)}, "renewed": {WithKeepAlive(time.Hour)}, "an hour": {WithExpire(time.Hour)},
		} {
			for _, joins := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) { observerShutsDown(t, kind, name, joins, opts) })
			}
		}
	}
}

func observerShutsDown(t *testing.T, kind concurrent.EventKind, name string, joins bool, opts []Option) {
	b := newBench(t, concurrent.Config{})
	b.down = true
	var took atomic.Int64
	var begun atomic.Bool
	took.Store(-1)
	b.Registry.Observe(&recorder{do: func(_ context.Context, e concurrent.Event) {
		if e.Kind != kind || e.Key != "k" || !begun.CompareAndSwap(false, true) {
			return
		}
		began := time.Now()
		if joins {
			go func() { _ = b.Shutdown(context.Background()) }()
			time.Sleep(time.Millisecond)
		}
		if err := b.Shutdown(context.Background()); err == nil || !strings.Contains(err.Error(), "in the background") {
			t.Errorf("%v, %s, joins %t: %v", kind, name, joins, err)
		}
		took.Store(int64(time.Since(began)))
	}})
	go func() { // got, renewed, lost or released, then refused
		l := b.cache("k", opts...)
		if l.Acquire(context.Background()) != nil {
			return
		}
		_ = b.cache("k").Acquire(context.Background())
		_ = meanwhile(func() error { return b.cache("k", WithWait(time.Second)).Acquire(context.Background()) })
		time.Sleep(2 * time.Second)
		_ = l.Extend(context.Background(), 2*time.Hour)
		if kind == concurrent.EventLost {
			_, _ = Break(context.Background(), "default", "k", WithRegistry(b.Registry))
		}
		_ = l.Release(context.Background())
	}()
	time.Sleep(time.Hour / 2)
	if took := time.Duration(took.Load()); begun.Load() && (took < 0 || took > time.Millisecond) {
		t.Errorf("%v, %s, joins %t: a Shutdown by the observer took %v (-1ns: for ever)", kind, name, joins, took)
	}
	if begun.Load() && !b.free(t, "k") {
		t.Errorf("%v, %s, joins %t: held", kind, name, joins)
	}
	if !begun.Load() {
		t.Errorf("%v, %s: not told", kind, name)
	}
}

func TestObserverThatUsesLocks(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var used atomic.Int32
		b.Registry.Observe(&recorder{do: func(ctx context.Context, e concurrent.Event) {
			if e.Key != "stuck" {
				return
			}
			err := b.cache("observer", WithWait(time.Second)).Do(ctx, func(context.Context) error { return nil })
			if err != nil && !errors.Is(err, ErrLockActive) {
				t.Error(err)
			}
			used.Add(1)
		}})
		useStuck(b)
		time.Sleep(5 * time.Minute)
		if used.Load() < 10 || !b.free(t, "stuck") || !b.free(t, "observer") {
			t.Errorf("used %d times; free %t and %t", used.Load(), b.free(t, "stuck"), b.free(t, "observer"))
		}
	})
}

// An observerFunc is an Observer.
type observerFunc func(ctx context.Context, e concurrent.Event)

func (f observerFunc) Observe(ctx context.Context, e concurrent.Event) { f(ctx, e) }

func TestObserverExtendsWhatWasExtended(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		var extended atomic.Bool
		b.Registry.Observe(observerFunc(func(ctx context.Context, e concurrent.Event) {
			if e.Kind == concurrent.EventRenewed && extended.CompareAndSwap(false, true) {
				if err := l.Extend(ctx, time.Hour); err != nil {
					t.Errorf("by the observer: %v", err)
				}
			}
		}))
		mustAcquire(t, l)
		if err := l.Extend(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		if left := l.Remaining(); left < 50*time.Minute || len(b.saw(concurrent.EventRenewed)) != 2 {
			t.Errorf("%v are left, and %d events were told", left, len(b.saw(concurrent.EventRenewed)))
		}
		mustRelease(t, l)
	})
}

// Neither who waits for the value elsewhere nor the observer itself is kept from it.
func TestObserverThatHangsAtARefusalKeepsNobodyFromTheValue(t *testing.T) {
	for name, l := range map[string]func(b *bench) *Lock{
		"a reader": func(b *bench) *Lock { return Read("default", "k", WithRegistry(b.Registry), WithWait(Forever)) },
		"a permit": func(b *bench) *Lock { return Permit("default", "k", 1, WithRegistry(b.Registry), WithWait(Forever)) },
	} {
		in(t, func(t *testing.T, b *bench) {
			l, other := l(b), l(b)
			hang := make(chan struct{})
			var refused atomic.Bool
			b.Registry.Observe(observerFunc(func(_ context.Context, e concurrent.Event) {
				if e.Kind == concurrent.EventRefused && refused.CompareAndSwap(false, true) {
					<-hang
				}
			}))
			mustAcquire(t, other)
			ctx, cancel := context.WithCancel(t.Context())
			first := make(chan error, 1)
			b.store.script(func(s *scripted) { s.try, s.acquire = hangs, hangs })
			go func() { first <- l.Acquire(ctx) }()
			time.Sleep(time.Second)
			b.store.script(func(s *scripted) { s.try, s.acquire = nil, nil })
			cancel()
			synctest.Wait()
			mustRelease(t, other)
			began := time.Now()
			ctx, free := context.WithTimeout(t.Context(), time.Minute)
			defer free()
			if err := l.Acquire(ctx); err != nil || time.Since(began) > time.Second {
				t.Errorf("%s: after %v: %v", name, time.Since(began), err)
			}
			close(hang)
			wantIs(t, <-first, context.Canceled)
			mustRelease(t, l)
		})
	}
}
