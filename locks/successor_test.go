package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

// A successor that wants a lease of its own length asks for that first.
func TestSuccessorsOwnLength(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		successor := b.cache("k", WithWait(Forever), WithExpire(time.Minute))
		done := queued(t, successor)
		mustRelease(t, holder)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("extend"); n != 1 {
			t.Errorf("%d Extends, want one", n)
		}
		if got, want := successor.Remaining(), time.Minute-time.Minute/100-2*time.Millisecond; got != want {
			t.Errorf("remaining is %v, want %v", got, want)
		}
		mustRelease(t, successor)
	})
}

// When that Extend is not answered, nobody knows how long the store's lease is:
// it is given back, not passed on.
func TestSuccessorWhoseExtendIsLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		successor, third := b.cache("k", WithWait(Forever), WithExpire(time.Minute)), b.cache("k", WithWait(Forever))
		one, two := queued(t, successor), queued(t, third)
		token := holder.Token()
		b.store.script(func(s *scripted) { s.extend = replyLost })
		mustRelease(t, holder)
		wantIs(t, <-one, ErrLockAcquire, errLost)
		b.store.script(func(s *scripted) { s.extend = nil })
		if err := <-two; err != nil {
			t.Fatal(err)
		}
		if third.Token() <= token+63 {
			t.Errorf("token %d is one of the lease that was given up, which had %d and 63 more", third.Token(), token)
		}
		mustRelease(t, third)
	})
}

// A lease that the store lost while it was passed on is nobody's: who was to
// have it waits on.
func TestSuccessorOfWhatWasLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		successor := b.cache("k", WithWait(Forever), WithExpire(time.Minute))
		done := queued(t, successor)
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error { return ErrNotHeld }
		})
		time.AfterFunc(time.Second, func() {
			_, _ = Break(context.Background(), "default", "k", WithRegistry(b.Registry))
		})
		mustRelease(t, holder)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.store.script(func(s *scripted) { s.extend = nil })
		if b.free(t, "k") || !successor.Active() {
			t.Error("the successor does not hold the key")
		}
		mustRelease(t, successor)
	})
}

// One whose lease is of the same length pays nothing.
func TestSuccessorOfTheSameLengthPaysNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 1, WithKeepAlive(time.Minute))
		time.Sleep(5 * time.Millisecond)
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("extend") + b.store.count("release"); n != 0 {
			t.Errorf("the store was told %d times", n)
		}
		if got, want := locks[0].Remaining(), usableOf(time.Minute)-5*time.Millisecond; got != want {
			t.Errorf("remaining is %v, want %v", got, want)
		}
		mustRelease(t, locks[0])
	})
}

// A lease that ends at a fixed time is its successor's for the whole length:
// it is extended, also where both are of one length.
func TestSuccessorOfAFixedLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 1, WithExpire(time.Minute))
		time.Sleep(5 * time.Millisecond)
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if extends, releases := b.store.count("extend"), b.store.count("release"); extends != 1 || releases != 0 {
			t.Errorf("%d Extends and %d Releases, want one Extend", extends, releases)
		}
		if got := locks[0].Remaining(); got != usableOf(time.Minute) {
			t.Errorf("remaining is %v, want %v", got, usableOf(time.Minute))
		}
		time.Sleep(time.Minute)
		wantIs(t, locks[0].Release(t.Context()), ErrLockExpired)
	})
}

// Leases without end go down the line as they are.
func TestSuccessorOfALeaseWithoutEnd(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 1, WithExpire(Forever))
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("extend") + b.store.count("release"); n != 0 || locks[0].Remaining() != Forever {
			t.Errorf("the store was told %d times, remaining is %v", n, locks[0].Remaining())
		}
		mustRelease(t, locks[0])
	})
}

// A renewed successor of a fixed lease has it renewed, and the other way round.
func TestSuccessorsTerms(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		fixed := b.cache("k", WithWait(Forever), WithExpire(30*time.Second))
		mustAcquire(t, fixed)
		renewed := b.cache("k", WithWait(Forever), WithKeepAlive(30*time.Second))
		done := queued(t, renewed)
		mustRelease(t, fixed)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if !renewed.Active() {
			t.Error("not renewed")
		}
		mustRelease(t, renewed)

		mustAcquire(t, renewed)
		done = queued(t, fixed)
		mustRelease(t, renewed)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if fixed.Active() || b.store.count("release") == 0 {
			t.Error("renewed, although it was to end")
		}
		wantIs(t, fixed.Release(t.Context()), ErrLockExpired)
	})
}

// A successor's Extend that is answered too late, or whose caller gives up,
// leaves nothing held.
func TestSuccessorWhoseExtendIsSlow(t *testing.T) {
	for name, test := range map[string]struct {
		extend step
		within time.Duration // of the successor's context
		want   []error
	}{
		"too late": {after(2 * time.Second), time.Hour, []error{ErrLockAcquire}},
		"given up": {hangs, time.Second, []error{ErrLockActive, context.DeadlineExceeded}},
	} {
		in(t, func(t *testing.T, b *bench) {
			holder := b.cache("k", WithWait(Forever))
			mustAcquire(t, holder)
			ctx, cancel := context.WithTimeout(t.Context(), test.within)
			defer cancel()
			successor := b.cache("k", WithWait(Forever), WithExpire(time.Second))
			done := meanwhile(func() error { return successor.Acquire(ctx) })
			synctest.Wait()
			b.store.script(func(s *scripted) { s.extend = test.extend })
			mustRelease(t, holder)
			wantIs(t, <-done, test.want...)
			b.store.script(func(s *scripted) { s.extend = nil })
			if successor.Active() {
				t.Errorf("%s: active", name)
			}
			time.Sleep(time.Second)
			if !b.free(t, "k") {
				t.Errorf("%s: held after all", name)
			}
			if n := len(b.saw(concurrent.EventRefused)); n != 1 {
				t.Errorf("%s: told of %d refusals", name, n)
			}
		})
	}
}
