package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// meanwhile has f called in a goroutine and returns its error later.
func meanwhile(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func TestWaitIsBounded(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k")
		mustAcquire(t, holder)
		began := time.Now()
		err := b.cache("k", WithWait(3*time.Second)).Acquire(t.Context())
		wantIs(t, err, ErrLockActive)
		wantNot(t, err, context.DeadlineExceeded, ErrLockAcquire)
		if waited := time.Since(began); waited != 3*time.Second {
			t.Errorf("waited for %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = b.cache("k", WithWait(Forever)).Acquire(ctx)
		wantIs(t, err, ErrLockActive, context.DeadlineExceeded)
		mustRelease(t, holder)
	})
}

func TestWaiterIsWokenByRelease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, waiter := b.cache("k"), b.cache("k", WithWait(time.Hour))
		mustAcquire(t, holder)
		done := meanwhile(func() error { return waiter.Acquire(t.Context()) })
		time.Sleep(time.Minute)
		began := time.Now()
		mustRelease(t, holder)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("woken %v after the release", took)
		}
		mustRelease(t, waiter)
	})
}

// polling is a store that can't wait.
type polling struct{ driver.Store }

func TestStoreThatCantWaitIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := concurrent.NewRegistry()
		st := memory.New()
		if err := r.Configure(concurrent.Aliases{"a": {Store: polling{st}}}); err != nil {
			t.Fatal(err)
		}
		opts := []Option{WithRegistry(r), WithWait(Forever)}
		if _, err := st.TryAcquire(t.Context(), driver.Request{Key: "k", Owner: "another-process", Lease: time.Minute}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		waiter := Cache("a", "k", opts...)
		mustAcquire(t, waiter)
		if took := time.Since(began); took < time.Minute || took > time.Minute+pollMost {
			t.Errorf("got after %v, the holder's lease was a minute", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, Cache("a", "k", opts...).Acquire(ctx), ErrLockActive, context.DeadlineExceeded)
		mustRelease(t, waiter)
		wantIs(t, Cache("a", "k", WithRegistry(r), WithMinHold(time.Second)).Acquire(t.Context()), ErrUnsupported)
		_, err := Inspect(t.Context(), "a", "k", WithRegistry(r))
		wantIs(t, err, ErrUnsupported)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One that waits in the store while the store does not answer comes back when
// the wait is over, and says what happened.
func TestStoreThatDoesNotAnswerWithinTheWait(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.acquire = hangs })
		began := time.Now()
		err := b.cache("k", WithWait(2*time.Second)).Acquire(t.Context())
		wantIs(t, err, ErrLockAcquire, ErrUnavailable)
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("came back after %v, the wait was 2 s", waited)
		}
		time.Sleep(2 * time.Minute)
		b.store.script(func(s *scripted) { s.acquire = after(time.Hour) })
		l := b.cache("late", WithWait(Forever), WithExpire(time.Minute))
		wantIs(t, l.Acquire(t.Context()), ErrLockAcquire)
	})
}

// A waiter that gave up leaves its place to the next.
func TestCancelledWaiterLeavesTheLine(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		for range 2 { // the first in line asks the store, the second waits here
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			first := meanwhile(func() error { return b.cache("k", WithWait(Forever)).Acquire(ctx) })
			synctest.Wait()
			next := b.cache("k", WithWait(Forever))
			second := meanwhile(func() error { return next.Acquire(t.Context()) })
			wantIs(t, <-first, ErrLockActive, context.DeadlineExceeded)
			cancel()
			mustRelease(t, holder)
			if err := <-second; err != nil {
				t.Fatal(err)
			}
			holder = next
		}
		mustRelease(t, holder)
	})
}

func TestFirstComeFirstServedInOneProcess(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		order := make(chan int, 20)
		for i := range 20 {
			l := b.cache("k", WithWait(Forever))
			go func() {
				_ = l.Do(t.Context(), func(context.Context) error {
					order <- i
					return nil
				})
			}()
			synctest.Wait()
		}
		mustRelease(t, holder)
		for want := range 20 {
			if got := <-order; got != want {
				t.Fatalf("number %d was served when it was number %d's turn", got, want)
			}
		}
		synctest.Wait()
	})
}
