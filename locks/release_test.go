package locks

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestReleaseTwice(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		mustAcquire(t, l)
		mustRelease(t, l)
		err := l.Release(t.Context())
		wantIs(t, err, ErrNotHeld)
		wantNot(t, err, ErrLockLost, ErrLockRelease)
	})
}

func TestReleaseOnAnEndedContext(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		type key struct{}
		l := b.cache("k")
		mustAcquire(t, l)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
		cancel()
		var value any
		var bound time.Duration
		b.store.script(func(s *scripted) {
			s.release = func(ctx context.Context, do func() error) error {
				end, _ := ctx.Deadline()
				value, bound = ctx.Value(key{}), time.Until(end)
				return do()
			}
		})
		if err := l.Release(ctx); err != nil || !b.free(t, "k") {
			t.Errorf("Release: %v; free: %t", err, b.free(t, "k"))
		}
		if value != "trace" {
			t.Errorf("the context's values are gone: %v", value)
		}
		if bound <= 4*time.Second || bound > 5*time.Second {
			t.Errorf("the release is bounded by %v, want five seconds", bound)
		}
	})
}

// A store that hangs is given up after five seconds; the key is released when
// it is back.
func TestReleaseThatHangs(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(time.Hour))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.release = hangs })
		began := time.Now()
		err := l.Release(t.Context())
		wantIs(t, err, ErrLockRelease, context.DeadlineExceeded)
		if took := time.Since(began); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("given up after %v", took)
		}
		if l.Active() {
			t.Error("active after a failed release")
		}
		b.store.script(func(s *scripted) { s.release = nil })
		time.Sleep(10 * time.Second)
		if !b.free(t, "k") {
			t.Error("not released when the store was back")
		}
		mustAcquire(t, l)
		mustRelease(t, l)
	})
}

func TestReleaseOfWhatTheStoreLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		b.store.script(func(s *scripted) {
			s.release = func(context.Context, func() error) error { return driver.ErrNotHeld }
		})
		wantIs(t, l.Release(t.Context()), ErrLockLost, ErrNotHeld)
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		b.store.script(func(s *scripted) { s.release = nil })
		time.Sleep(time.Minute)
	})
}

// A deferred Release after a loss can't free the next lease, nor anybody's.
func TestLostValueMustBeReleased(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l, other := b.cache("k", WithExpire(time.Second)), b.cache("k")
		mustAcquire(t, l)
		token := l.Token()
		time.Sleep(2 * time.Second)
		mustAcquire(t, other)
		if l.Token() != token {
			t.Error("a lost lease's token is not the one it had")
		}
		if got, err := l.TryAcquire(t.Context()); got || !errors.Is(err, ErrLockLost) {
			t.Errorf("TryAcquire after a loss: %t, %v", got, err)
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		if !other.Active() || b.free(t, "k") {
			t.Error("the next holder's lease is gone")
		}
		wantIs(t, l.Acquire(t.Context()), ErrLockActive)
		mustRelease(t, other)
		mustAcquire(t, l)
		mustRelease(t, l)
	})
}

func TestKeep(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(10*time.Second), WithKeep())
		mustAcquire(t, l)
		began := time.Now()
		time.Sleep(time.Second)
		mustRelease(t, l)
		waiter := b.cache("k", WithWait(Forever))
		mustAcquire(t, waiter)
		if after := time.Since(began); after != 10*time.Second {
			t.Errorf("kept for %v after it was got, want 10 s", after)
		}
		mustRelease(t, waiter)
	})
}

func TestMinHold(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithMinHold(10*time.Second))
		mustAcquire(t, l)
		began := time.Now()
		time.Sleep(4 * time.Second)
		mustRelease(t, l)
		waiter := b.cache("k", WithWait(Forever), WithMinHold(time.Second))
		mustAcquire(t, waiter)
		if after := time.Since(began); after != 10*time.Second {
			t.Errorf("held for %v, want 10 s", after)
		}
		time.Sleep(time.Second)
		mustRelease(t, waiter) // past its minimum: free at once
		if !b.free(t, "k") {
			t.Error("held longer than the minimum")
		}
	})
}
