package locks

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// What the simulation found, each in as few steps as it needs.

// first plays a step once, and then what comes undisturbed.
func first(step step) step {
	var calls atomic.Int32
	return func(ctx context.Context, do func() error) error {
		if calls.Add(1) > 1 {
			return do()
		}
		return step(ctx, do)
	}
}

func TestExtendAnsweredAfterLaterRenewalsShortensNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(6*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		b.store.script(func(s *scripted) { s.extend = first(after(7 * time.Second)) })
		if err := l.Extend(t.Context(), 6*time.Second); err != nil {
			t.Error(err)
		}
		time.Sleep(eps)
		synctest.Wait()
		if !l.Active() || ctx.Err() != nil {
			t.Errorf("Active %v, context %v, after renewals that left later were confirmed", l.Active(), context.Cause(ctx))
		}
		mustRelease(t, l)
	})
}

func TestWaitEndsWithErrLockActiveWhileAHeldKeyIsAskedFor(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k")
		mustAcquire(t, holder)
		b.store.script(func(s *scripted) {
			s.acquire = func(context.Context, func() error) error { return driver.ErrUnsupported }
			s.try = func(ctx context.Context, do func() error) error {
				if b.store.count("try") > 3 {
					return hangs(ctx, do)
				}
				return do()
			}
		})
		err := b.cache("k", WithWait(300*time.Millisecond)).Acquire(t.Context())
		wantIs(t, err, ErrLockActive)
		wantNot(t, err, ErrUnavailable)
		err = b.cache("k", WithWait(5*time.Second)).Acquire(t.Context())
		wantIs(t, err, ErrLockAcquire, ErrUnavailable) // it has not answered for long
		mustRelease(t, holder)
	})
}

// Those who came together wait equally long: the second asks the store just
// before its own wait is over.
func TestWaitsThatEndTogetherEndAlike(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k")
		mustAcquire(t, holder)
		b.store.script(func(s *scripted) {
			s.acquire = func(ctx context.Context, do func() error) error {
				if b.store.count("acquire") > 2 {
					return hangs(ctx, do) // no answer comes that fast
				}
				return do()
			}
		})
		l := b.cache("k", WithWait(time.Second))
		waits := make(chan error)
		for range 5 {
			go func() { waits <- l.Do(t.Context(), func(context.Context) error { return nil }) }()
			time.Sleep(time.Millisecond)
		}
		for range 5 {
			err := <-waits
			wantIs(t, err, ErrLockActive)
			wantNot(t, err, ErrUnavailable)
		}
		mustRelease(t, holder)
	})
}

func TestContextEndsWithActiveAfterAShortSuspend(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer clock.SkewWall(0)
		l := b.cache("k", WithExpire(10*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		time.Sleep(time.Second)
		clock.SkewWall(4 * time.Second)
		time.Sleep(usableOf(10*time.Second) - 5*time.Second - eps)
		synctest.Wait()
		if !l.Active() || ctx.Err() != nil {
			t.Errorf("just before the deadline of the wall clock: Active %v, context %v", l.Active(), context.Cause(ctx))
		}
		time.Sleep(eps)
		synctest.Wait()
		select {
		case <-ctx.Done():
		default:
			t.Error("the context goes on after the deadline of the wall clock")
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

func TestKeptAliveLeaseSurvivesAnExtendWithoutAnswer(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(10*time.Minute))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.extend = first(replyLost) })
		wantIs(t, l.Extend(t.Context(), 2*time.Second), errLost)
		time.Sleep(time.Minute)
		if !l.Active() {
			t.Error("lost, though every renewal since would have been confirmed")
		}
		mustRelease(t, l)
	})
}

func TestShortenedLeaseWithoutEndIsGivenBackAfterALateRenewal(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(Forever))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) {
			s.extend = first(func(_ context.Context, do func() error) error {
				time.Sleep(time.Second)
				return do()
			})
		})
		for b.store.count("extend") == 0 { // a look whether the store still holds it
			time.Sleep(100 * time.Millisecond)
		}
		if err := l.Extend(t.Context(), 2*time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
		time.Sleep(time.Second)
		synctest.Wait()
		if !b.free(t, "k") {
			t.Error("the store holds for ever what was released")
		}
	})
}
