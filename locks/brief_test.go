package locks

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
)

const handed = time.Second

// handOver gives a test a lock for which the store has whom it lets wait begin with a
// lease of a second.
func handOver(t *testing.T, f func(t *testing.T, b *bench, l *Lock)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Lease: 30 * time.Second})
		b.store.handed = handed
		f(t, b, b.cache("k", WithWait(Forever)))
	})
}

func TestALeaseThatIsHandedOverIsExtendedAtOnce(t *testing.T) {
	handOver(t, func(t *testing.T, b *bench, l *Lock) {
		b.store.script(func(s *scripted) { s.extend = overdueBy(time.Millisecond) })
		mustAcquire(t, l)
		if left := l.Remaining(); left > handed {
			t.Errorf("%v are left of a lease of %v", left, handed)
		}
		ctx := l.Context(t.Context())
		time.Sleep(2 * time.Millisecond)
		if n := b.store.count("extend"); n != 1 {
			t.Errorf("it was extended %d times, want once", n)
		}
		if left := l.Remaining(); left < 29*time.Second {
			t.Errorf("%v are left of a lease of half a minute", left)
		}
		if n := len(b.saw(concurrent.EventRenewed)); n != 0 {
			t.Errorf("%d renewals were told, but it only became as long as it was to be", n)
		}
		time.Sleep(5 * handed)
		if !l.Active() || ctx.Err() != nil {
			t.Errorf("it ended with what was handed over: %v", context.Cause(ctx))
		}
		mustRelease(t, l)
	})
}

func TestALeaseThatIsHandedOverEndsIfItIsNotExtended(t *testing.T) {
	for name, extend := range map[string]step{"refused": fails, "not answered": hangs} {
		t.Run(name, func(t *testing.T) {
			handOver(t, func(t *testing.T, b *bench, l *Lock) {
				b.store.script(func(s *scripted) { s.extend = extend })
				began := time.Now()
				mustAcquire(t, l)
				ctx := l.Context(t.Context())
				<-ctx.Done()
				wantIs(t, context.Cause(ctx), ErrLockLost)
				if took := time.Since(began); took >= handed || took < handed*9/10 {
					t.Errorf("the holder's context ended after %v, the store's lease after %v", took, handed)
				}
				if n := b.store.count("extend"); n < 3 {
					t.Errorf("it was tried %d times to extend it, want 3 or more", n)
				}
				wantIs(t, l.Release(t.Context()), ErrLockLost)
			})
		})
	}
}

func TestALeaseThatIsHandedOverIsSavedByTheSecondTry(t *testing.T) {
	handOver(t, func(t *testing.T, b *bench, l *Lock) {
		b.store.script(func(s *scripted) { s.extend = hangs })
		mustAcquire(t, l)
		time.Sleep(handed / 4)
		b.store.script(func(s *scripted) { s.extend = nil })
		time.Sleep(handed)
		if left := l.Remaining(); left < 28*time.Second {
			t.Errorf("%v are left of a lease of half a minute", left)
		}
		mustRelease(t, l)
	})
}

func TestALeaseThatIsHandedOverAndBrokenIsLostAtOnce(t *testing.T) {
	handOver(t, func(t *testing.T, b *bench, l *Lock) {
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error {
				time.Sleep(time.Millisecond) // so that the test sees it active before
				return driver.ErrNotHeld
			}
		})
		mustAcquire(t, l)
		time.Sleep(2 * time.Millisecond)
		if l.Active() {
			t.Error("it is active, and the store does not know it")
		}
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

// A renewal that hangs is another's: it does not keep a lease from being extended
// that was handed over.
func TestALeaseThatIsHandedOverWaitsForNoRenewal(t *testing.T) {
	handOver(t, func(t *testing.T, b *bench, l *Lock) {
		other := b.cache("other")
		mustAcquire(t, other)
		b.store.script(func(s *scripted) { s.extend = hangs })
		time.Sleep(11 * time.Second) // its renewal is under way
		b.store.script(func(s *scripted) { s.extend = nil })
		mustAcquire(t, l)
		time.Sleep(2 * handed)
		if !l.Active() {
			t.Error("it ended although the store answers")
		}
		mustRelease(t, l)
		mustRelease(t, other)
	})
}

// Of those who wait in this process the next has what the first was handed, without
// asking the store again.
func TestALeaseThatIsHandedOverIsPassedOn(t *testing.T) {
	handOver(t, func(t *testing.T, b *bench, _ *Lock) {
		first := b.cache("k")
		mustAcquire(t, first)
		time.Sleep(2 * waitline.HandOffFor) // those who wait ask the store
		locks := make([]*Lock, 3)
		got := make(chan *Lock, len(locks))
		for i := range locks {
			locks[i] = b.cache("k", WithWait(Forever))
			go func() {
				if err := locks[i].Acquire(t.Context()); err != nil {
					t.Error(err)
				}
				got <- locks[i]
			}()
			synctest.Wait()
		}
		mustRelease(t, first)
		for i := range locks {
			l := <-got
			if i != slices.Index(locks, l) {
				t.Errorf("number %d of those who wait came as number %d", slices.Index(locks, l), i)
			}
			if left := l.Remaining(); left < 29*time.Second {
				t.Errorf("number %d has a lease of %v", i, left)
			}
			mustRelease(t, l)
		}
		if n, m := b.store.count("acquire"), b.store.count("extend"); n != 1 || m != 1 {
			t.Errorf("the store was asked %d times and the lease extended %d times, want once each", n, m)
		}
	})
}

// Who does not want his lease extended takes none that is handed over.
func TestOnlyLeasesThatAreKeptAliveAreHandedOver(t *testing.T) {
	handOver(t, func(t *testing.T, b *bench, _ *Lock) {
		l := b.cache("k", WithWait(Forever), WithExpire(10*time.Second))
		mustAcquire(t, l)
		if left := l.Remaining(); left < 9*time.Second {
			t.Errorf("%v are left of a lease of ten seconds", left)
		}
		synctest.Wait()
		if n := b.store.count("extend"); n != 0 {
			t.Errorf("it was extended %d times", n)
		}
		mustRelease(t, l)
	})
}
