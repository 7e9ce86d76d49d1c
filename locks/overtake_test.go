package locks

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// overdueBy has the request arrive at the store d after it left, whatever its caller
// was told meanwhile.
func overdueBy(d time.Duration) step {
	return func(ctx context.Context, do func() error) error {
		done := make(chan error, 1)
		go func() {
			time.Sleep(d)
			done <- do()
		}()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// once plays a step for one call, and others as they come.
func once(s step) step {
	played := make(chan struct{}, 1)
	played <- struct{}{}
	return func(ctx context.Context, do func() error) error {
		select {
		case <-played:
			return s(ctx, do)
		default:
			return do()
		}
	}
}

// neverTwo fails if another process gets the key within d while one of locks is
// active.
func neverTwo(t *testing.T, b *bench, key string, d time.Duration, locks ...*Lock) {
	t.Helper()
	for began := time.Now(); time.Since(began) < d; time.Sleep(time.Millisecond) {
		r := driver.Request{Key: key, Owner: "somebody-in-another-process", Lease: time.Minute}
		if _, err := b.store.Store.TryAcquire(t.Context(), r); err != nil {
			continue
		}
		for _, l := range locks {
			if l.Active() {
				t.Errorf("after %v another process has %q, and here it is active for %v more", time.Since(began), key, l.Remaining())
				_ = b.store.Store.Release(t.Context(), r)
				return
			}
		}
		_ = b.store.Store.Release(t.Context(), r)
	}
}

// extendWithin asks for d and does not hear the answer within 5 ms.
func extendWithin(t *testing.T, l *Lock, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	wantIs(t, l.Extend(ctx, d), context.DeadlineExceeded)
}

// A request for a shorter lease that arrives after one for a longer lease was
// confirmed makes the lease shorter on the store: nobody counts on more.
func TestShorterExtendThatArrivesLateLeavesNoTwoHolders(t *testing.T) {
	for _, late := range []time.Duration{20 * time.Millisecond, 80 * time.Millisecond, 900 * time.Millisecond} {
		for _, short := range []time.Duration{50 * time.Millisecond, 1100 * time.Millisecond, 3 * time.Second} {
			for name, opts := range map[string][]Option{
				"fixed":       {WithExpire(time.Minute)},
				"renewed":     {WithKeepAlive(time.Minute)},
				"without end": {WithExpire(Forever)},
			} {
				in(t, func(t *testing.T, b *bench) {
					l := b.cache("k", opts...)
					mustAcquire(t, l)
					b.store.script(func(s *scripted) { s.extend = once(overdueBy(late)) })
					extendWithin(t, l, short)
					if err := l.Extend(t.Context(), 10*time.Second); err != nil && !errors.Is(err, ErrLockLost) {
						t.Errorf("%s, %v late by %v: %v", name, short, late, err)
					}
					neverTwo(t, b, "k", 12*time.Second, l)
					_ = l.Release(t.Context())
				})
			}
		}
	}
}

// Renewals are such requests too: they ask for what was wanted when they left.
func TestRenewalThatArrivesLateLeavesNoTwoHolders(t *testing.T) {
	for _, late := range []time.Duration{650 * time.Millisecond, 800 * time.Millisecond, 2 * time.Second} {
		in(t, func(t *testing.T, b *bench) {
			l := b.cache("k", WithKeepAlive(3*time.Second))
			mustAcquire(t, l)
			b.store.script(func(s *scripted) { s.extend = once(overdueBy(late)) })
			time.Sleep(1600 * time.Millisecond) // the first renewal left after a second, and was given up
			if err := l.Extend(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
			b.store.script(func(s *scripted) { s.extend = hangs })
			neverTwo(t, b, "k", time.Minute, l)
			_ = l.Release(t.Context())
		})
	}
}

// What is not known of the requests of a lease is not inherited by who gets it next
// in the process.
func TestLateRequestOfTheLastHolderLeavesNoTwoHolders(t *testing.T) {
	for _, late := range []time.Duration{8 * time.Millisecond, 80 * time.Millisecond, 900 * time.Millisecond} {
		in(t, func(t *testing.T, b *bench) {
			holder, heirs, done := lineOf(t, b, 2)
			b.store.script(func(s *scripted) { s.extend = once(overdueBy(late)) })
			extendWithin(t, holder, time.Second)
			if late > 8*time.Millisecond { // as long as it was, so that it could be handed on
				if err := holder.Extend(t.Context(), concurrent.DefaultLease); err != nil {
					t.Fatal(err)
				}
			}
			mustRelease(t, holder)
			if err := <-done[0]; err != nil {
				t.Fatal(err)
			}
			neverTwo(t, b, "k", 5*time.Second, heirs...)
			mustRelease(t, heirs[0])
			if err := <-done[1]; err != nil {
				t.Fatal(err)
			}
			neverTwo(t, b, "k", 5*time.Second, heirs...)
			mustRelease(t, heirs[1])
		})
	}
}

// Extend of a lease that is released meanwhile is ErrNotHeld, whenever the store
// carries it out, and changes nothing for who has the key next.
func TestExtendBesideAReleaseIsNotHeld(t *testing.T) {
	for _, d := range []time.Duration{50 * time.Millisecond, time.Hour} {
		for _, arrives := range []time.Duration{0, 20 * time.Millisecond} {
			in(t, func(t *testing.T, b *bench) {
				holder, heirs, done := lineOf(t, b, 1)
				b.store.script(func(s *scripted) {
					s.extend = once(func(_ context.Context, do func() error) error {
						time.Sleep(arrives)
						err := do()
						time.Sleep(10 * time.Millisecond)
						return err
					})
				})
				extend := meanwhile(func() error { return holder.Extend(context.Background(), d) })
				time.Sleep(time.Millisecond)
				mustRelease(t, holder)
				err := <-extend
				wantIs(t, err, ErrNotHeld)
				wantNot(t, err, ErrLockLost)
				if err := <-done[0]; err != nil {
					t.Fatal(err)
				}
				neverTwo(t, b, "k", 2*time.Second, heirs...)
				info, err := b.store.Inspect(t.Context(), "k")
				if err != nil || len(info.Holders) != 1 {
					t.Fatalf("%v, %v", info, err)
				}
				if left := time.Until(info.Holders[0].Until); left > concurrent.DefaultLease {
					t.Errorf("the heir of a lease of %v has the key on the store for %v", concurrent.DefaultLease, left)
				}
				mustRelease(t, heirs[0])
				synctest.Wait()
				if !b.free(t, "k") {
					t.Error("the key is not free")
				}
			})
		}
	}
}

// An acquire that arrives long after its caller was told that it failed, and that the
// key was given back, holds nothing in the end.
func TestAcquireThatArrivesLateHoldsNothing(t *testing.T) {
	for _, late := range []time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second, 100 * time.Second} {
		for _, wait := range []time.Duration{0, 20 * time.Millisecond} {
			in(t, func(t *testing.T, b *bench) {
				b.store.script(func(s *scripted) { s.try, s.acquire = overdueBy(late), overdueBy(late) })
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
				defer cancel()
				err := b.cache("k", WithExpire(Forever), WithWait(wait)).Acquire(ctx)
				wantIs(t, err, ErrLockAcquire, context.DeadlineExceeded)
				wantNot(t, err, ErrLockActive)
				if wait > 0 {
					wantIs(t, err, ErrUnavailable)
				}
				time.Sleep(late + 10*time.Second)
				if !b.free(t, "k") {
					t.Errorf("late by %v, wait %v: the key is held for ever", late, wait)
				}
			})
		}
	}
}

// fn of Do does not run with a context that has ended: a lease that is over when its
// waiter's goroutine comes to run is none, in memory too.
func TestDoOfALateWaiterNeverRunsFn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r := memoryRegistry(t)
	late := 0
	const rounds = 20
	for range rounds {
		holder := Cache("default", "k", WithRegistry(r))
		mustAcquire(t, holder)
		done := meanwhile(func() error {
			return Cache("default", "k", WithRegistry(r), WithExpire(5*time.Millisecond), WithWait(time.Minute)).
				Do(context.Background(), func(ctx context.Context) error {
					if ctx.Err() != nil {
						late++
					}
					return nil
				})
		})
		time.Sleep(5 * time.Millisecond)
		mustRelease(t, holder)
		for began := time.Now(); time.Since(began) < 8*time.Millisecond; { // nobody else runs meanwhile
		}
		t.Log(<-done)
	}
	if late > 2 { // a machine may stop between the look at the clock and fn
		t.Errorf("fn ran with a context that had ended %d times of %d", late, rounds)
	}
}
