package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

const eps = time.Nanosecond

func TestFixedLeaseEndsAtItsDeadline(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(10*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		usable := 10*time.Second - 100*time.Millisecond - 2*time.Millisecond
		if got := l.Remaining(); got != usable {
			t.Errorf("Remaining is %v, want %v", got, usable)
		}
		time.Sleep(usable - eps)
		synctest.Wait()
		if !l.Active() || ctx.Err() != nil {
			t.Errorf("just before the deadline: Active %v, context %v", l.Active(), ctx.Err())
		}
		time.Sleep(eps)
		synctest.Wait()
		if l.Active() || ctx.Err() == nil {
			t.Errorf("at the deadline: Active %v, context %v", l.Active(), ctx.Err())
		}
		wantIs(t, context.Cause(ctx), ErrLockExpired, ErrLockLost)
		if n := b.store.count("extend"); n != 0 {
			t.Errorf("%d renewals of a lease that is not renewed", n)
		}
		err := l.Acquire(t.Context())
		wantIs(t, err, ErrLockLost)
		wantIs(t, l.Release(t.Context()), ErrLockExpired, ErrLockLost)
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		time.Sleep(time.Second)
		mustAcquire(t, l)
		mustRelease(t, l)
	})
}

func TestKeepAliveRenewsFromAThirdOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		time.Sleep(10*time.Second - eps)
		synctest.Wait()
		if n := b.store.count("extend"); n != 0 {
			t.Errorf("renewed %d times before a third of the lease", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := b.store.count("extend"); n != 1 {
			t.Errorf("renewed %d times soon after a third of the lease, want once", n)
		}
		time.Sleep(time.Hour)
		if !l.Active() || b.free(t, "k") {
			t.Error("lost while it was renewed")
		}
		mustRelease(t, l)
		before := b.store.count("extend")
		time.Sleep(time.Hour)
		if after := b.store.count("extend"); after != before {
			t.Error("renewed after its release")
		}
	})
}

func TestRenewalIsIndependentOfAcquiresContext(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		ctx, cancel := context.WithCancel(t.Context())
		if err := l.Acquire(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(time.Hour)
		if !l.Active() {
			t.Error("the end of Acquire's context ended the lease")
		}
		mustRelease(t, l)
	})
}

// A renewal that hangs, fails for ever, or is answered too late ends the
// lease at its deadline: not later, and not earlier.
func TestNoRenewalDelaysTheDeadline(t *testing.T) {
	stubborn := func(_ context.Context, do func() error) error {
		time.Sleep(time.Hour) // ignores its context, against the contract
		return do()
	}
	for name, extend := range map[string]step{
		"hanging": hangs, "failing": fails, "late": after(time.Hour), "ignoring its context": stubborn,
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, b *bench) {
				b.store.script(func(s *scripted) { s.extend = extend })
				l := b.cache("k", WithKeepAlive(10*time.Second))
				mustAcquire(t, l)
				ctx := l.Context(t.Context())
				time.Sleep(10*time.Second - 102*time.Millisecond - eps)
				synctest.Wait()
				if ctx.Err() != nil || !l.Active() {
					t.Errorf("ended before its deadline: %v", context.Cause(ctx))
				}
				time.Sleep(eps)
				synctest.Wait()
				if l.Active() {
					t.Error("Active at its deadline")
				}
				wantIs(t, context.Cause(ctx), ErrLockLost)
				wantNot(t, context.Cause(ctx), ErrLockExpired)
				if len(b.saw(concurrent.EventLost)) != 1 {
					t.Error("the observer was not told once of the loss")
				}
				wantIs(t, l.Release(t.Context()), ErrLockLost)
				b.store.script(func(s *scripted) { s.extend = nil })
				time.Sleep(2 * time.Hour) // the stubborn calls return
			})
		})
	}
}

func TestOneFailedRenewalIsTriedAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		failed := false
		b.store.script(func(s *scripted) {
			s.extend = func(_ context.Context, do func() error) error {
				if !failed {
					failed = true
					return driver.ErrUnavailable
				}
				return do()
			}
		})
		l := b.cache("k", WithKeepAlive(10*time.Second))
		mustAcquire(t, l)
		time.Sleep(time.Minute)
		if !l.Active() {
			t.Error("lost after one failed renewal")
		}
		if len(b.saw(concurrent.EventRenewalFailed)) != 1 {
			t.Error("the observer was not told once of the failure")
		}
		mustRelease(t, l)
	})
}

func TestRenewalThatFindsTheKeyGoneEndsTheLeaseNow(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error { return driver.ErrNotHeld }
		})
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		time.Sleep(11 * time.Second)
		wantIs(t, context.Cause(ctx), ErrLockLost, ErrNotHeld)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		b.store.script(func(s *scripted) { s.extend = nil })
		time.Sleep(time.Minute)
		if !b.free(t, "k") {
			t.Error("acquired again silently")
		}
	})
}

func TestStoreClosedUnderneathEndsTheLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		if err := b.store.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		wantIs(t, context.Cause(ctx), ErrLockLost, ErrClosed)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

// Suspend stops the monotonic clock: the wall clock alone tells.
func TestWallClockAheadEndsTheLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer clock.SkewWall(0)
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		outer := l.Context(t.Context())
		child, cancel := context.WithCancel(outer)
		defer cancel()
		clock.SkewWall(time.Minute)
		if l.Active() || l.Remaining() != 0 {
			t.Error("Active after the wall clock passed the deadline")
		}
		time.Sleep(time.Second + eps)
		synctest.Wait()
		if child.Err() == nil {
			t.Error("the context did not end within a second of the jump")
		}
		wantIs(t, context.Cause(child), ErrLockLost)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

func TestContextsErrLooksAtTheClock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer clock.SkewWall(0)
		l := b.cache("k", WithExpire(30*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		clock.SkewWall(time.Minute)
		if ctx.Err() == nil {
			t.Error("no timer has fired, but the clock says that the lease is over")
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

func TestWallClockBackChangesNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer clock.SkewWall(0)
		l := b.cache("k", WithExpire(10*time.Second))
		mustAcquire(t, l)
		clock.SkewWall(-time.Hour)
		time.Sleep(9 * time.Second)
		if !l.Active() {
			t.Error("lost when the wall clock was set back")
		}
		time.Sleep(time.Second)
		if l.Active() {
			t.Error("a wall clock set back lengthened the lease")
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

func TestForeverEndsByReleaseAlone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(Forever))
		mustAcquire(t, l)
		if l.Remaining() != Forever {
			t.Errorf("Remaining is %v", l.Remaining())
		}
		b.store.script(func(s *scripted) { s.extend = fails })
		time.Sleep(24 * time.Hour)
		if !l.Active() || b.free(t, "k") {
			t.Error("a lease without end has ended")
		}
		mustRelease(t, l)
	})
}
