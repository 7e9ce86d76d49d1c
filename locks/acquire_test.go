package locks

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestHeldKeyIsActiveElsewhere(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, other := b.cache("k"), b.cache("k")
		mustAcquire(t, holder)
		err := other.Acquire(t.Context())
		wantIs(t, err, ErrLockActive)
		wantNot(t, err, ErrLockAcquire, context.Canceled)
		if got, err := other.TryAcquire(t.Context()); got || err != nil {
			t.Errorf("TryAcquire is %t, %v; want false, nil", got, err)
		}
		mustRelease(t, holder)
		if got, err := other.TryAcquire(t.Context()); !got || err != nil {
			t.Errorf("TryAcquire is %t, %v; want true, nil", got, err)
		}
		mustRelease(t, other)
	})
}

func TestAcquireOnAnActiveValueIsContention(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		wantIs(t, l.Acquire(t.Context()), ErrLockActive)
		if !l.Active() {
			t.Error("the lease that the value had is gone")
		}
		mustRelease(t, l)
	})
}

func TestRaiseFalse(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, quiet := b.cache("k"), b.cache("k", WithRaise(false), WithWait(time.Second))
		mustAcquire(t, holder)
		if err := quiet.Acquire(t.Context()); err != nil || quiet.Active() {
			t.Errorf("Acquire of a held key: %v, Active %t; want nil, false", err, quiet.Active())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wantIs(t, quiet.Acquire(ctx), ErrLockActive, context.DeadlineExceeded)
		err := quiet.Do(t.Context(), func(context.Context) error {
			t.Error("fn ran without the lock")
			return nil
		})
		wantIs(t, err, ErrLockActive)
		b.store.script(func(s *scripted) { s.try, s.acquire = fails, fails })
		time.Sleep(lately)
		wantIs(t, quiet.Acquire(t.Context()), ErrLockAcquire, ErrUnavailable)
		b.store.script(func(s *scripted) { s.try, s.acquire = nil, nil })
		mustRelease(t, holder)
	})
}

func TestEndedContextAcquiresNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		cause := errors.New("the reason")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		err := b.cache("k").Acquire(ctx)
		wantIs(t, err, ErrLockAcquire, context.Canceled, cause)
		if got, err := b.cache("k").TryAcquire(ctx); got || !errors.Is(err, context.Canceled) {
			t.Errorf("TryAcquire is %t, %v", got, err)
		}
		if n := b.store.count("try"); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

func TestUnknownAlias(t *testing.T) {
	t.Parallel()
	r := concurrent.NewRegistry()
	err := Cache("locsk", "k", WithRegistry(r)).Acquire(t.Context())
	wantIs(t, err, ErrLockAcquire, concurrent.ErrUnknownAlias)
	wantIs(t, Cache("no such alias", "k").Acquire(t.Context()), concurrent.ErrUnknownAlias)
	for _, part := range []string{"locks: acquire", `"k"`, `"locsk"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// The alias is looked up at Acquire: a package variable may come first.
func TestAliasConfiguredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := concurrent.NewRegistry()
		l := Cache("a", "k", WithRegistry(r))
		wantIs(t, l.Acquire(t.Context()), concurrent.ErrUnknownAlias)
		if err := r.Configure(concurrent.Aliases{"a": {URL: "memory://"}}); err != nil {
			t.Fatal(err)
		}
		mustAcquire(t, l)
		mustRelease(t, l)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBadKeys(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for _, key := range []string{"", strings.Repeat("k", 1025)} {
			wantIs(t, b.cache(key).Acquire(t.Context()), ErrLockAcquire, ErrInvalidRequest)
			wantIs(t, b.cache(key, WithWait(time.Second)).Acquire(t.Context()), ErrLockAcquire, ErrInvalidRequest)
		}
		long := b.cache(strings.Repeat("k", 1024))
		mustAcquire(t, long)
		mustRelease(t, long)
	})
}

// The prefix is put before every key, and shown to nobody.
func TestPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Prefix: "billing:"})
		l := b.cache("k")
		mustAcquire(t, l)
		if b.free(t, "billing:k") || !b.free(t, "k") {
			t.Error("the prefix is not before the key")
		}
		if l.Key() != "k" {
			t.Errorf("Key is %q", l.Key())
		}
		err := b.cache("k").Acquire(t.Context())
		if strings.Contains(err.Error(), "billing") {
			t.Errorf("%q shows the prefix", err)
		}
		mustRelease(t, l)
	})
}

// A reply that comes past its own deadline is no grant: it is given back.
func TestLateReplyIsNoGrant(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try = after(10 * time.Second) })
		l := b.cache("k", WithExpire(10*time.Second))
		wantIs(t, l.Acquire(t.Context()), ErrLockAcquire)
		if l.Active() {
			t.Error("active after a late reply")
		}
	})
}

// What may have been granted when a reply was lost is given back, and so is
// what is granted after the caller gave up.
func TestLostReplyIsGivenBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try = replyLost })
		wantIs(t, b.cache("k").Acquire(t.Context()), ErrLockAcquire, errLost)
		synctest.Wait()
		time.Sleep(time.Second)
		if !b.free(t, "k") {
			t.Error("the key is held although Acquire failed")
		}

		var arrived atomic.Bool
		b.store.script(func(s *scripted) {
			s.try = func(ctx context.Context, do func() error) error {
				<-ctx.Done()
				_ = time.AfterFunc(3*time.Second, func() { arrived.Store(do() == nil) }) // on its way still
				return ctx.Err()
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, b.cache("late").Acquire(ctx), ErrLockAcquire, context.DeadlineExceeded)
		time.Sleep(10 * time.Second)
		if !arrived.Load() || !b.free(t, "late") {
			t.Error("a grant that came after its caller had given up was not given back")
		}
	})
}

// Giving back goes on while the store can't be reached, as long as the key may
// be held.
func TestGivingBackGoesOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try, s.release = replyLost, fails })
		wantIs(t, b.cache("k", WithKeepAlive(time.Hour)).Acquire(t.Context()), ErrLockAcquire)
		time.Sleep(30 * time.Minute)
		if b.free(t, "k") {
			t.Fatal("the key is free: there is nothing to see")
		}
		b.store.script(func(s *scripted) { s.release = nil })
		time.Sleep(10 * time.Second)
		if !b.free(t, "k") {
			t.Error("not given back when the store came back after half an hour")
		}
	})
}

// The store says clearly that nothing was granted: nothing is given back.
func TestRefusalIsNotGivenBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for _, refusal := range []error{driver.ErrInvalidRequest, driver.ErrUnsupported, driver.ErrHeld} {
			b.store.script(func(s *scripted) { s.try = func(context.Context, func() error) error { return refusal } })
			if err := b.cache("k").Acquire(t.Context()); !errors.Is(err, refusal) && !errors.Is(err, ErrLockActive) {
				t.Errorf("%v, want %v", err, refusal)
			}
		}
		time.Sleep(time.Minute)
		if n := b.store.count("release"); n != 0 {
			t.Errorf("%d releases of what was never granted", n)
		}
	})
}
