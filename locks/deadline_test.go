package locks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// usableOf is what the documents say of a lease: one percent and two
// milliseconds are the holder's no more.
func usableOf(d time.Duration) time.Duration { return d - d/100 - 2*time.Millisecond }

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

// Active holds no lock that another may hold for long: a fault in this package,
// or a process that is about to be stopped, can't make a holder wait for its
// answer.
func TestActiveNeedsNoLock(t *testing.T) {
	defer clock.SkewWall(0)
	b := newBench(t, concurrent.Config{})
	l := b.cache("k", WithExpire(time.Hour), WithWait(Forever))
	mustAcquire(t, l)
	c := l.current.Load()
	mutexes := []sync.Locker{&c.extras().mu, c.client.wheel, &c.client.events.mu, &b.store.mu}
	for _, mu := range mutexes {
		mu.Lock()
	}
	before, after := make(chan bool, 1), make(chan bool, 1)
	go func() {
		before <- l.Active() && l.Remaining() > 50*time.Minute && l.Token() != 0
		clock.SkewWall(2 * time.Hour) // and no timer can have looked at it
		after <- l.Active() || l.Remaining() != 0
	}()
	for answer, want := range map[<-chan bool]bool{before: true, after: false} {
		select {
		case got := <-answer:
			if got != want {
				t.Errorf("active: %t, want %t", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Error("Active waits for a lock")
		}
	}
	for _, mu := range mutexes {
		mu.Unlock()
	}
	_ = l.Release(t.Context()) // whether the timer saw the jump is not the matter here
}

// The timer that ends contexts may be late: those who ask are told the truth.
func TestDeadlineNeedsNoTimer(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(10*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		l.current.Load().client.wheel.Stop()
		time.Sleep(usableOf(10*time.Second) - eps)
		if !l.Active() || ctx.Err() != nil {
			t.Error("ended before its deadline")
		}
		time.Sleep(eps)
		if l.Active() || l.Remaining() != 0 {
			t.Error("active past its deadline without a timer")
		}
		if got, err := l.TryAcquire(t.Context()); got || !errors.Is(err, ErrLockLost) {
			t.Errorf("TryAcquire past the deadline: %t, %v", got, err)
		}
		if ctx.Err() == nil {
			t.Error("the context does not look at the clock")
		}
		wantIs(t, context.Cause(ctx), ErrLockLost)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

func TestActiveAllocatesNothing(t *testing.T) {
	l := Cache("default", "k", WithRegistry(memoryRegistry(t)))
	mustAcquire(t, l)
	if n := testing.AllocsPerRun(1000, func() {
		if !l.Active() || l.Remaining() == 0 || l.Token() == 0 {
			t.Error("not active")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	mustRelease(t, l)
}

// A lease counts from just before the request left, however slow the reply.
func TestLeaseCountsFromTheRequest(t *testing.T) {
	for _, lease := range []time.Duration{5 * time.Millisecond, time.Second, 30 * time.Second, 24 * time.Hour} {
		in(t, func(t *testing.T, b *bench) {
			slow := lease / 10
			b.store.script(func(s *scripted) { s.try, s.extend = after(slow), after(slow) })
			l := b.cache("k", WithExpire(lease))
			mustAcquire(t, l)
			if got, want := l.Remaining(), usableOf(lease)-slow; got != want {
				t.Errorf("a lease of %v granted %v ago: %v remain, want %v", lease, slow, got, want)
			}
			if err := l.Extend(t.Context(), lease); err != nil {
				t.Fatal(err)
			}
			if got, want := l.Remaining(), usableOf(lease)-slow; got != want {
				t.Errorf("a lease of %v extended %v ago: %v remain, want %v", lease, slow, got, want)
			}
			info, err := b.store.Inspect(t.Context(), "k")
			if err != nil || len(info.Holders) != 1 {
				t.Fatalf("%+v, %v", info, err)
			}
			if early := time.Until(info.Holders[0].Until) - l.Remaining(); early < (lease - usableOf(lease)) {
				t.Errorf("ends %v before the store's lease, want %v at least", early, (lease - usableOf(lease)))
			}
			mustRelease(t, l)
		})
	}
}

// A renewal starts the lease at the time at which it left.
func TestRenewedLeaseCountsFromTheRenewal(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var sent time.Time
		b.store.script(func(s *scripted) {
			s.extend = func(_ context.Context, do func() error) error {
				sent = time.Now()
				err := do()
				time.Sleep(4 * time.Second)
				return err
			}
		})
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		time.Sleep(15 * time.Second)
		if got, want := l.Remaining(), usableOf(30*time.Second)-time.Since(sent); sent.IsZero() || got != want {
			t.Errorf("%v remain, want %v", got, want)
		}
		b.store.script(func(s *scripted) { s.extend = nil })
		mustRelease(t, l)
	})
}

// What ends by Release alone does not end with a jump of the wall clock.
func TestWallClockDoesNotEndALeaseWithoutEnd(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer clock.SkewWall(0)
		l := b.cache("k", WithExpire(Forever))
		mustAcquire(t, l)
		clock.SkewWall(1000 * time.Hour)
		time.Sleep(time.Minute)
		if !l.Active() || l.Remaining() != Forever {
			t.Errorf("active: %t, remaining %v", l.Active(), l.Remaining())
		}
		mustRelease(t, l)
	})
}

// A suspend in the middle of a renewed lease: the next renewal is due by the
// monotonic clock, and its answer begins a lease on both.
func TestRenewalAfterAShortSuspend(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer clock.SkewWall(0)
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		clock.SkewWall(15 * time.Second)
		if got, want := l.Remaining(), usableOf(30*time.Second)-15*time.Second; got != want {
			t.Errorf("%v remain, want %v", got, want)
		}
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if got := l.Remaining(); got < 20*time.Second {
			t.Errorf("renewed meanwhile, and only %v remain", got)
		}
		time.Sleep(time.Hour)
		if !l.Active() {
			t.Error("lost although it is renewed")
		}
		mustRelease(t, l)
	})
}
