package locks

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConcurrentAcquiresOfOneValueGiveItOneLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		var all []<-chan error
		for range 20 {
			all = append(all, meanwhile(func() error { return l.Acquire(t.Context()) }))
		}
		got := 0
		for _, done := range all {
			if err := <-done; err == nil {
				got++
			} else {
				wantIs(t, err, ErrLockActive)
			}
		}
		if got != 1 || !l.Active() {
			t.Errorf("%d of 20 got the lock, active: %t", got, l.Active())
		}
		mustRelease(t, l)
	})
}

// slowed has the nth try answered n times d after it was granted. What it
// returns is closed when n of them have been granted.
func slowed(b *bench, d time.Duration, n int) <-chan struct{} {
	all := make(chan struct{})
	var granted atomic.Int32
	b.store.script(func(s *scripted) {
		s.try = func(_ context.Context, do func() error) error {
			err := do()
			nth := int(granted.Add(1))
			if nth == n {
				close(all)
			}
			time.Sleep(d * time.Duration(nth))
			return err
		}
	})
	return all
}

// The store would give a value two leases of a key that is shared: of two
// Acquires at once one gets the value, and the other gives its lease back.
func TestConcurrentAcquiresOfASharedValue(t *testing.T) {
	for name, test := range map[string]struct {
		opts []Option
		want error
	}{
		"at once": {nil, ErrLockActive},
		"waiting": {[]Option{WithWait(time.Minute)}, nil},
	} {
		in(t, func(t *testing.T, b *bench) {
			l := Read("default", "k", append(test.opts, WithRegistry(b.Registry))...)
			var both <-chan struct{}
			if test.want != nil {
				both = slowed(b, time.Second, 2)
			}
			one := meanwhile(func() error { return l.Acquire(t.Context()) })
			two := meanwhile(func() error { return l.Acquire(t.Context()) })
			if both != nil {
				<-both
			}
			first, second := one, two
			select {
			case err := <-first:
				if err != nil {
					t.Fatal(err)
				}
			case err := <-second:
				if err != nil {
					t.Fatal(err)
				}
				second = first
			}
			time.Sleep(10 * time.Second)
			if info, err := b.store.Inspect(t.Context(), "k"); err != nil || len(info.Holders) != 1 {
				t.Errorf("%s: the store has %d leases of one value, %v", name, len(info.Holders), err)
			}
			token := l.Token()
			if test.want == nil { // the second has it at once
				if err := l.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-second; !errors.Is(err, test.want) {
				t.Errorf("%s: the second Acquire: %v, want %v", name, err, test.want)
			}
			if test.want == nil && (l.Token() == token || !l.Active()) {
				t.Errorf("%s: the second Acquire did not get a lease of its own", name)
			}
			mustRelease(t, l)
			if !b.free(t, "k") {
				t.Errorf("%s: held after all", name)
			}
		})
	}
}

// The lease that an Acquire finds in its value when it comes back was lost
// meanwhile: that must be told by Release first.
func TestAcquireThatComesBackToALostValue(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := Read("default", "k", WithRegistry(b.Registry))
		both := slowed(b, time.Second, 2)
		one := meanwhile(func() error { return l.Acquire(t.Context()) })
		two := meanwhile(func() error { return l.Acquire(t.Context()) })
		<-both
		time.Sleep(time.Second)
		synctest.Wait()
		if !l.Active() {
			t.Fatal("the first is to have it by now")
		}
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error { return ErrNotHeld }
		})
		wantIs(t, l.Extend(t.Context(), time.Minute), ErrLockLost)
		err := errors.Join(<-one, <-two)
		wantIs(t, err, ErrLockLost)
		if l.Active() {
			t.Error("active before its Release")
		}
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		_, err = b.store.Break(t.Context(), "k") // the first lease, which only the script lost
		if err != nil {
			t.Error(err)
		}
		if !b.free(t, "k") {
			t.Error("the second lease was not given back")
		}
	})
}

// A value that is released while an Acquire on it waits can be got again.
func TestValueIsReusableOf(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithWait(time.Minute))
		mustAcquire(t, l)
		var last uint64
		for range 100 {
			again := meanwhile(func() error { return l.Acquire(t.Context()) })
			synctest.Wait()
			last = l.Token()
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-again; err != nil {
				t.Fatal(err)
			}
			if l.Token() <= last {
				t.Fatalf("token %d after %d", l.Token(), last)
			}
		}
		mustRelease(t, l)
	})
}

// A lease that a value lost is the value's business alone: Do takes its own.
func TestDoOnALostValue(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(time.Second))
		mustAcquire(t, l)
		time.Sleep(2 * time.Second)
		ran := false
		if err := l.Do(t.Context(), func(context.Context) error { ran = true; return nil }); err != nil || !ran {
			t.Errorf("Do: %v, ran: %t", err, ran)
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

// Of many Releases at once one gives the lease back.
func TestConcurrentReleases(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		var all []<-chan error
		for range 20 {
			all = append(all, meanwhile(func() error { return l.Release(t.Context()) }))
		}
		released := 0
		for _, done := range all {
			if err := <-done; err == nil {
				released++
			} else {
				wantIs(t, err, ErrNotHeld)
				wantNot(t, err, ErrLockLost)
			}
		}
		if n := b.store.count("release"); released != 1 || n != 1 {
			t.Errorf("%d of 20 released it, the store was told %d times", released, n)
		}
	})
}

func TestValueThatHoldsNothing(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*Lock{"cache": Cache("nowhere", "k"), "local": Local()} {
		if l.Active() || l.Token() != 0 || l.Remaining() != 0 {
			t.Errorf("%s: active %t, token %d, remaining %v", name, l.Active(), l.Token(), l.Remaining())
		}
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		wantIs(t, l.Extend(t.Context(), time.Minute), ErrNotHeld)
	}
}
