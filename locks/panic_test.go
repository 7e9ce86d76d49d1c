package locks

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// panics does not carry the call out.
func panics(context.Context, func() error) error { panic("a driver that panics") }

// panicsAfter carries the call out first.
func panicsAfter(_ context.Context, do func() error) error {
	_ = do()
	panic("a driver that panics")
}

// recovering calls f as a server does that goes on after a panic.
func recovering(f func()) (panicked any) {
	defer func() { panicked = recover() }()
	f()
	return nil
}

// usesOfALock are the ways to get a lock and give it back.
func usesOfALock() map[string]func(l *Lock) {
	ctx := context.Background()
	return map[string]func(l *Lock){
		"Acquire": func(l *Lock) {
			if l.Acquire(ctx) == nil {
				_ = l.Release(ctx)
			}
		},
		"TryAcquire": func(l *Lock) {
			if ok, _ := l.TryAcquire(ctx); ok {
				_ = l.Release(ctx)
			}
		},
		"Hold": func(l *Lock) {
			if h, err := l.Hold(ctx); err == nil {
				_ = h.Release(ctx)
			}
		},
		"Do": func(l *Lock) {
			_ = l.Do(ctx, func(context.Context) error { return nil })
		},
		"Extend": func(l *Lock) {
			if h, err := l.Hold(ctx); err == nil {
				defer func() { _ = h.Release(ctx) }()
				_ = h.Extend(ctx, time.Minute)
			}
		},
	}
}

// mustBeUsable fails if anything of key is left on the store or in a line.
func mustBeUsable(t *testing.T, b *bench, what, key string) {
	t.Helper()
	synctest.Wait()
	began := time.Now()
	for range 2 {
		l := b.cache(key, WithWait(time.Hour))
		if err := l.Acquire(context.Background()); err != nil {
			t.Fatalf("%s: the key is not to be had: %v", what, err)
		}
		_ = l.Release(context.Background())
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("%s: the key was to be had after %v", what, took)
	}
	synctest.Wait()
	if !b.free(t, key) {
		t.Errorf("%s: the key is held", what)
	}
}

// A driver that panics leaves no key held and no place in a line, whichever call it
// is in and whether or not the store carried it out.
func TestDriverThatPanicsStrandsNothing(t *testing.T) {
	for call, set := range map[string]func(*scripted, step){
		"try":     func(s *scripted, p step) { s.try = p },
		"acquire": func(s *scripted, p step) { s.acquire = p },
		"extend":  func(s *scripted, p step) { s.extend = p },
		"release": func(s *scripted, p step) { s.release = p },
	} {
		for how, play := range map[string]step{"before": panics, "after": panicsAfter} {
			for use, f := range usesOfALock() {
				for _, wait := range []time.Duration{0, time.Minute} {
					what := call + " panics " + how + " in " + use + ", wait " + wait.String()
					in(t, func(t *testing.T, b *bench) {
						b.store.script(func(s *scripted) { set(s, play) })
						l := b.cache("k", WithWait(wait), WithExpire(Forever))
						_ = recovering(func() { f(l) })
						b.store.script(func(s *scripted) { set(s, nil) })
						mustBeUsable(t, b, what, "k")
					})
				}
			}
		}
	}
}

// Those who wait behind one whose driver panics are served.
func TestDriverThatPanicsAtTheHeadOfALine(t *testing.T) {
	for how, play := range map[string]step{"before": panics, "after": panicsAfter} {
		in(t, func(t *testing.T, b *bench) {
			holder := b.cache("k")
			mustAcquire(t, holder)
			b.store.script(func(s *scripted) { s.acquire = once(play) })
			panicked := make(chan any, 1)
			go func() {
				panicked <- recovering(func() { _ = b.cache("k", WithWait(Forever)).Acquire(context.Background()) })
			}()
			synctest.Wait()
			next := b.cache("k", WithWait(time.Minute))
			done := queued(t, next)
			mustRelease(t, holder)
			if p := <-panicked; p == nil {
				t.Errorf("%s: the driver's panic did not come to its caller", how)
			}
			if err := <-done; err != nil {
				t.Fatalf("%s: who waits behind got %v", how, err)
			}
			mustRelease(t, next)
			mustBeUsable(t, b, how, "k")
		})
	}
}

// A panic in a renewal is a renewal that failed.
func TestDriverThatPanicsInARenewal(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.extend = once(panics) })
		l := b.cache("k", WithKeepAlive(3*time.Second))
		mustAcquire(t, l)
		time.Sleep(time.Minute)
		if !l.Active() || len(b.saw(concurrent.EventRenewalFailed)) != 1 {
			t.Errorf("active %v, told of %d failures", l.Active(), len(b.saw(concurrent.EventRenewalFailed)))
		}
		mustRelease(t, l)
	})
}

// A panickingObserver panics at one kind of event, as long as it is on.
type panickingObserver struct {
	at  concurrent.EventKind
	off atomic.Bool
}

func (o *panickingObserver) Observe(_ context.Context, e concurrent.Event) {
	if e.Kind == o.at && !o.off.Load() {
		panic("an observer that panics")
	}
}

// An observer that panics leaves no key held and no place in a line, whatever it was
// told, and those who wait are served.
func TestObserverThatPanicsStrandsNothing(t *testing.T) {
	for kind := concurrent.EventAcquired; kind <= concurrent.EventStoreWarning; kind++ {
		for use, f := range usesOfALock() {
			for _, busy := range []bool{false, true} {
				what := kind.String() + " in " + use
				in(t, func(t *testing.T, b *bench) {
					o := &panickingObserver{at: kind}
					b.Registry.Observe(o)
					holder := Cache("default", "k", WithRegistry(b.Registry), WithExpire(time.Second))
					if busy {
						_ = recovering(func() { _ = holder.Acquire(context.Background()) })
					}
					var waits []chan any
					for range 3 {
						w := make(chan any, 1)
						waits = append(waits, w)
						go func() {
							w <- recovering(func() { f(b.cache("k", WithWait(time.Minute), WithExpire(Forever))) })
						}()
					}
					for _, w := range waits {
						select {
						case <-w:
						case <-time.After(2 * time.Minute):
							t.Fatalf("%s: a wait of a minute goes on after two", what)
						}
					}
					o.off.Store(true)
					_ = recovering(func() { _ = holder.Release(context.Background()) })
					mustBeUsable(t, b, what, "k")
				})
			}
		}
	}
}

// Inside the process too, where no store is asked.
func TestObserverThatPanicsOverALeaseHandedOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, heirs, done := lineOf(t, b, 0)
		var told atomic.Bool
		b.Registry.Observe(&recorder{do: func(_ context.Context, e concurrent.Event) {
			if e.Kind == concurrent.EventAcquired && told.CompareAndSwap(false, true) {
				panic("an observer that panics")
			}
		}})
		panicked := make(chan any, 1)
		go func() {
			panicked <- recovering(func() { _ = b.cache("k", WithWait(Forever)).Acquire(context.Background()) })
		}()
		synctest.Wait()
		next := b.cache("k", WithWait(Forever))
		heirs, done = append(heirs, next), append(done, queued(t, next))
		go func() { _ = recovering(func() { _ = holder.Release(context.Background()) }) }()
		if <-panicked == nil {
			t.Error("the panic did not come to the caller")
		}
		select {
		case err := <-done[0]:
			if err != nil {
				t.Error(err)
			}
			_ = heirs[0].Release(context.Background())
		case <-time.After(time.Minute):
			t.Error("who waits behind is not served")
		}
		mustBeUsable(t, b, "handed on", "k")
	})
}

// A keep that panics is tried again.
func TestKeepThatPanicsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newKeepStore()
		b := benchOf(t, st, st.scripted)
		st.keep = once(panics)
		l := b.cache("k", WithExpire(time.Minute), WithKeep())
		mustAcquire(t, l)
		if recovering(func() { _ = l.Release(t.Context()) }) == nil {
			t.Error("the driver's panic did not come to its caller")
		}
		time.Sleep(10 * time.Second)
		wantIs(t, b.cache("k").Acquire(t.Context()), ErrLockActive)
		time.Sleep(time.Minute)
		mustBeUsable(t, b, "keep", "k")
	})
}

// A keepStore is a scripted store whose keeping can be scripted too.
type keepStore struct {
	*scripted
	keep  step
	check step
}

func newKeepStore() *keepStore { return &keepStore{scripted: newScripted()} }

func (s *keepStore) Keep(ctx context.Context, r driver.Request) error {
	return s.play(ctx, "keep", func() step { return s.keep }, func() error {
		return s.Store.Keep(context.WithoutCancel(ctx), r)
	})
}

func (s *keepStore) CheckKeep(ctx context.Context) error {
	return s.play(ctx, "check", func() step { return s.check }, func() error { return nil })
}

// benchOf is a bench with a store of one's own, which plays by s.
func benchOf(t *testing.T, store driver.Store, s *scripted) *bench {
	t.Helper()
	b := &bench{Registry: concurrent.NewRegistry(), store: s}
	if err := b.Configure(concurrent.Aliases{"default": {Store: store}}); err != nil {
		t.Fatal(err)
	}
	b.Registry.Observe(b)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil && !b.down {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return b
}
