package locks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
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

// The key is free when the minimum is over, also on a store whose leases are
// longer than what is left of it.
func TestMinHoldIsNotRoundedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{"a": {Store: coarseStore{st}}}); err != nil {
			t.Fatal(err)
		}
		l := Cache("a", "k", WithRegistry(r), WithMinHold(1500*time.Millisecond))
		mustAcquire(t, l)
		began := time.Now()
		time.Sleep(time.Second)
		mustRelease(t, l)
		waiter := Cache("a", "k", WithRegistry(r), WithWait(Forever))
		mustAcquire(t, waiter)
		if after := time.Since(began); after != 1500*time.Millisecond {
			t.Errorf("held for %v, want 1.5 s", after)
		}
		mustRelease(t, waiter)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// coarseStore is a store whose shortest lease is a second.
type coarseStore struct{ *memory.Store }

func (c coarseStore) Features() driver.Features {
	f := c.Store.Features()
	f.MinLease = time.Second
	return f
}

// Release does not bring forward the end of a key that is to stay held, not
// even when the store does not answer: it is not given back behind its back.
func TestKeptKeyIsNotGivenBack(t *testing.T) {
	for name, test := range map[string]struct {
		opts []Option
		free time.Duration // when it is to be, or soon after
	}{
		"keep":     {[]Option{WithExpire(10 * time.Second), WithKeep()}, 10 * time.Second},
		"min hold": {[]Option{WithKeepAlive(20 * time.Second), WithMinHold(10 * time.Second)}, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			st := &keeping{Store: memory.New(), err: errLost}
			r := concurrent.NewRegistry()
			if err := r.Configure(concurrent.Aliases{"a": {Store: st}}); err != nil {
				t.Fatal(err)
			}
			l := Cache("a", "k", append(test.opts, WithRegistry(r))...)
			mustAcquire(t, l)
			began := time.Now()
			wantIs(t, l.Release(t.Context()), ErrLockRelease, errLost)
			if l.Active() {
				t.Errorf("%s: active after a failed Release", name)
			}
			waiter := Cache("a", "k", WithRegistry(r), WithWait(Forever))
			mustAcquire(t, waiter)
			if after := time.Since(began); after < test.free || after > test.free+givesBackMost {
				t.Errorf("%s: free after %v, it was to be kept for %v", name, after, test.free)
			}
			mustRelease(t, waiter)
			if err := r.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// keeping is a store whose Keep fails.
type keeping struct {
	*memory.Store
	err error
}

func (k *keeping) Keep(context.Context, driver.Request) error { return k.err }

// A kept lease that ended before Release has nothing to keep.
func TestKeepAfterTheEnd(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(time.Second), WithKeep())
		mustAcquire(t, l)
		time.Sleep(2 * time.Second)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
		if !b.free(t, "k") {
			t.Error("kept after its end")
		}
	})
}

// WithKeep outlasts the process's registry: a job that is done stays done.
func TestKeptKeyStaysThroughShutdown(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(time.Hour), WithKeep())
		mustAcquire(t, l)
		mustRelease(t, l)
		if err := b.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b.free(t, "k") {
			t.Error("free after the shutdown")
		}
	})
}

func TestReleaseOnAClosedStore(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		if err := b.store.Close(); err != nil {
			t.Fatal(err)
		}
		wantIs(t, l.Release(t.Context()), ErrLockRelease, ErrClosed)
		if l.Active() {
			t.Error("active after Release")
		}
		time.Sleep(time.Minute)
	})
}

// A release whose reply is lost is told as a failure, and done.
func TestReleaseWhoseReplyIsLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.release = replyLost })
		wantIs(t, l.Release(t.Context()), ErrLockRelease, errLost)
		b.store.script(func(s *scripted) { s.release = nil })
		if !b.free(t, "k") {
			t.Error("held")
		}
		mustAcquire(t, l)
		time.Sleep(time.Hour) // what is tried again in the background is the old release
		if !l.Active() || b.free(t, "k") {
			t.Error("the repeated release ended the next lease")
		}
		mustRelease(t, l)
	})
}
