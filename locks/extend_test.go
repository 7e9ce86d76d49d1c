package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestExtend(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(10*time.Second))
		wantIs(t, l.Extend(t.Context(), time.Minute), ErrNotHeld)
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		for _, d := range []time.Duration{time.Minute, time.Second, time.Hour} {
			if err := l.Extend(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if got := l.Remaining(); got != usableOf(d) {
				t.Errorf("extended to %v: remaining is %v, want %v", d, got, usableOf(d))
			}
		}
		time.Sleep(usableOf(time.Hour) - eps)
		synctest.Wait()
		if !l.Active() || ctx.Err() != nil {
			t.Error("ended before the hour")
		}
		time.Sleep(eps)
		synctest.Wait()
		if l.Active() || ctx.Err() == nil {
			t.Error("active after the hour")
		}
		wantIs(t, l.Extend(t.Context(), time.Minute), ErrLockLost)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

func TestExtendToForeverAndBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(10*time.Second))
		mustAcquire(t, l)
		if err := l.Extend(t.Context(), Forever); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Hour)
		if !l.Active() || l.Remaining() != Forever {
			t.Errorf("active %t, remaining %v", l.Active(), l.Remaining())
		}
		if err := l.Extend(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

func TestExtendOfARenewedLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		if err := l.Extend(t.Context(), 6*time.Second); err != nil {
			t.Fatal(err)
		}
		before := b.store.count("extend")
		time.Sleep(time.Minute)
		if n := b.store.count("extend") - before; n < 20 {
			t.Errorf("renewed %d times in a minute, the lease is six seconds now", n)
		}
		mustRelease(t, l)
	})
}

// An Extend that is refused changes nothing; one that is not answered leaves
// the earliest end, and the store's lease is given back then.
func TestExtendThatFails(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(10*time.Second))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error { return driver.ErrUnsupported }
		})
		wantIs(t, l.Extend(t.Context(), time.Second), ErrUnsupported)
		if got := l.Remaining(); got != usableOf(10*time.Second) {
			t.Errorf("after a refusal %v remain", got)
		}
		b.store.script(func(s *scripted) { s.extend = replyLost })
		wantIs(t, l.Extend(t.Context(), time.Hour), errLost)
		if got := l.Remaining(); got != usableOf(10*time.Second) {
			t.Errorf("after a lost reply of a longer lease %v remain", got)
		}
		wantIs(t, l.Extend(t.Context(), 2*time.Second), errLost)
		if got := l.Remaining(); got != usableOf(2*time.Second) {
			t.Errorf("after a lost reply of a shorter lease %v remain", got)
		}
		wantIs(t, l.Extend(t.Context(), time.Hour), errLost)
		if b.free(t, "k") {
			t.Fatal("the store did not extend the lease to an hour: there is nothing to see")
		}
		time.Sleep(3 * time.Second)
		if l.Active() || !b.free(t, "k") {
			t.Errorf("active %t; the lease of an hour, of which nobody knew, was given back: %t", l.Active(), b.free(t, "k"))
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

func TestExtendOfWhatIsGone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error { return driver.ErrNotHeld }
		})
		wantIs(t, l.Extend(t.Context(), time.Minute), ErrLockLost, ErrNotHeld)
		if l.Active() {
			t.Error("active although the store does not know the lease")
		}
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

func TestExtendAnsweredTooLate(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(10*time.Second))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.extend = after(9 * time.Second) })
		wantIs(t, l.Extend(t.Context(), 5*time.Second), ErrLockLost)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_ = ended
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

func TestExtendOnAnEndedContext(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.extend = hangs })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, l.Extend(ctx, time.Minute), context.DeadlineExceeded)
		if !l.Active() {
			t.Error("lost because a caller gave up")
		}
		b.store.script(func(s *scripted) { s.extend = nil })
		mustRelease(t, l)
	})
}
