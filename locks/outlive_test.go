package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// elsewhereHolds has somebody else hold key "k" of b's store for d.
func elsewhereHolds(t *testing.T, b *bench, d time.Duration) {
	t.Helper()
	r := driver.Request{Key: "k", Owner: "another", Lease: d}
	if _, err := b.store.Store.TryAcquire(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// A wait in a store that stops to answer is asked anew after as long as a call may
// take, where the driver says when a key is held: it does not stand until its end.
func TestWaitOutlivesAStoreCallThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{})
		elsewhereHolds(t, b, time.Second)
		mustDo(t, b.cache("k", WithWait(time.Minute))) // it was told that the key is held
		hung := time.Now()
		b.store.script(func(s *scripted) {
			s.acquire = func(ctx context.Context, do func() error) error {
				if time.Since(hung) < 2*time.Second {
					<-ctx.Done()
					return ctx.Err()
				}
				return do()
			}
		})
		mustDo(t, b.cache("k", WithWait(time.Hour)))
		if took := time.Since(hung); took > callBound+askMost {
			t.Errorf("the wait went on for %v after the store answered again", took)
		}
	})
}

// A wait that the store has told that the key is held stands as long as it is.
func TestWaitThatStandsIsNotAskedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{})
		elsewhereHolds(t, b, time.Second)
		mustDo(t, b.cache("k", WithWait(time.Minute)))
		elsewhereHolds(t, b, time.Hour)
		before := b.store.count("acquire")
		mustDo(t, b.cache("k", WithWait(Forever)))
		if n := b.store.count("acquire") - before; n != 1 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

// A grant that comes after its lease is given back, and the wait goes on.
func TestWaitOutlivesAGrantThatComesTooLate(t *testing.T) {
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, concurrent.Config{})
			late := func(_ context.Context, do func() error) error {
				err := do()
				b.store.script(func(s *scripted) { s.acquire, s.try = nil, nil })
				time.Sleep(3 * time.Second)
				return err
			}
			b.store.script(func(s *scripted) { s.acquire, s.try = late, late })
			l := b.cache("k", WithWait(time.Minute), WithExpire(2*time.Second))
			if mode == driver.Shared {
				l = Read("default", "k", WithWait(time.Minute), WithExpire(2*time.Second), WithRegistry(b.Registry))
			}
			mustAcquire(t, l)
			mustRelease(t, l)
		})
	}
}

// Whose lease is too short for the way to the store keeps nobody else from the key.
func TestWaitWithAUselessLeaseLeavesTheHeadOfTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{})
		slow := after(20 * time.Millisecond)
		b.store.script(func(s *scripted) { s.acquire, s.try = slow, slow })
		ctx, cancel := context.WithCancel(t.Context())
		useless := meanwhile(func() error {
			return b.cache("k", WithWait(Forever), WithExpire(10*time.Millisecond)).Acquire(ctx)
		})
		synctest.Wait()
		mustDo(t, b.cache("k", WithWait(time.Second)))
		cancel()
		wantIs(t, <-useless, context.Canceled, ErrUnavailable, errLate)
	})
}

func mustDo(t *testing.T, l *Lock) {
	t.Helper()
	if err := l.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}
