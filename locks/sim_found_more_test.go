package locks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

// reacts is an observer that does something at events of one kind.
type reacts struct {
	kind concurrent.EventKind
	do   func()
}

func (r reacts) Observe(_ context.Context, e concurrent.Event) {
	if e.Kind == r.kind {
		r.do()
	}
}

// panics calls f, and returns what it panicked with.
func swallows(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

func TestWaitOutlivesACallThatHangs(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try, s.acquire = first(hangs), hangs })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		l := Permit("default", "k", 2, WithWait(Forever), WithRegistry(b.Registry))
		b.store.script(func(s *scripted) { s.acquire = nil })
		if err := l.Acquire(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > callBound+time.Second {
			t.Errorf("Acquire took %v after one call that hung", took)
		}
		mustRelease(t, l)
	})
}

// An observer that hangs at EventAcquired for longer than the lease: nobody is told
// that he has the lock.
func TestNothingIsGivenThatEndedWhileItWasTold(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.Registry.Observe(reacts{concurrent.EventAcquired, func() { time.Sleep(2 * time.Second) }})
		l := b.cache("k", WithExpire(time.Second))
		wantIs(t, l.Acquire(t.Context()), ErrLockAcquire, ErrLockExpired)
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		h, err := l.Hold(t.Context())
		wantIs(t, err, ErrLockAcquire, ErrLockExpired)
		if h != nil {
			t.Error("Hold returned a Lease beside its error")
		}
		wantIs(t, l.Do(t.Context(), func(context.Context) error {
			t.Error("fn runs without the lock")
			return nil
		}), ErrLockExpired)
		time.Sleep(time.Second)
		if n := len(b.saw(concurrent.EventLost)); n != 3 {
			t.Errorf("%d of 3 losses were told", n)
		}
	})
}

func TestLossIsToldAfterAPanicAtAcquired(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.Registry.Observe(reacts{concurrent.EventAcquired, func() {
			time.Sleep(2 * time.Second)
			panic("observer")
		}})
		l := b.cache("k", WithExpire(time.Second))
		if swallows(func() { _ = l.Acquire(t.Context()) }) == nil {
			t.Error("no panic")
		}
		time.Sleep(time.Second)
		if n := len(b.saw(concurrent.EventLost)); n != 1 {
			t.Errorf("%d losses were told, want 1", n)
		}
	})
}

func TestReleaseThatPanicsIsTold(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		b.store.script(func(s *scripted) {
			s.release = first(func(context.Context, func() error) error { panic("driver") })
		})
		if swallows(func() { _ = l.Release(t.Context()) }) == nil {
			t.Error("no panic")
		}
		time.Sleep(time.Second)
		if told := b.saw(concurrent.EventReleased); len(told) != 1 || !errors.Is(told[0].Err, ErrLockRelease) {
			t.Errorf("told of the release: %v", told)
		}
		if !b.free(t, "k") {
			t.Error("the key is held by nobody")
		}
	})
}

func TestNothingIsToldOfARenewalAfterTheLoss(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(3*time.Second))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error {
				time.Sleep(5 * time.Second) // whatever the context says
				return errLost
			}
		})
		time.Sleep(20 * time.Second)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		if lost, failed := b.saw(concurrent.EventLost), b.saw(concurrent.EventRenewalFailed); len(lost) != 1 || len(failed) > 0 {
			t.Errorf("%d losses, and %d failed renewals that were told after it", len(lost), len(failed))
		}
	})
}

// Two Acquires on one value: who comes second was refused, and held nothing that was
// released.
func TestAttemptThatLosesTheValueIsRefusedOnly(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := Read("default", "k", WithRegistry(b.Registry))
		b.store.script(func(s *scripted) { s.try = first(after(time.Second)) })
		slow := meanwhile(func() error { return l.Acquire(t.Context()) })
		time.Sleep(time.Millisecond)
		mustAcquire(t, l)
		wantIs(t, <-slow, ErrLockActive)
		time.Sleep(time.Second)
		if n := len(b.saw(concurrent.EventReleased)); n != 0 {
			t.Errorf("%d releases were told of what nobody had", n)
		}
		mustRelease(t, l)
	})
}

func TestKeptKeyIsFreeWhenItsHoldersLeaseEnds(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(5*time.Second), WithKeep())
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.extend = replyLost })
		wantIs(t, l.Extend(t.Context(), time.Hour), errLost) // but the store did it
		mustRelease(t, l)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if !b.free(t, "k") {
			t.Error("the key is kept for longer than the lease that its holder had")
		}
	})
}

func TestLeaseThatIsKeptCanNotBeForever(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for _, keep := range []Option{WithKeep(), WithKeepOnSuccess()} {
			l := b.cache("k", WithExpire(time.Second), keep)
			mustAcquire(t, l)
			wantIs(t, l.Extend(t.Context(), Forever), ErrInvalidOption)
			mustRelease(t, l)
			time.Sleep(2 * time.Second)
		}
	})
}
