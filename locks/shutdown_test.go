package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{})
		holder := b.cache("k")
		mustAcquire(t, holder)
		waits := []<-chan error{
			meanwhile(func() error { return b.cache("k", WithWait(Forever)).Acquire(t.Context()) }),
			meanwhile(func() error { return b.cache("k", WithWait(Forever)).Acquire(t.Context()) }),
		}
		synctest.Wait()
		down := meanwhile(func() error { return b.Shutdown(t.Context()) })
		for _, w := range waits {
			wantIs(t, <-w, ErrClosed)
		}
		wantIs(t, b.cache("new").Acquire(t.Context()), ErrClosed)
		wantIs(t, b.cache("new", WithWait(Forever)).Acquire(t.Context()), ErrClosed)
		_, err := Inspect(t.Context(), "default", "k", WithRegistry(b.Registry))
		wantIs(t, err, ErrClosed)
		time.Sleep(time.Minute)
		if !holder.Active() || len(down) != 0 {
			t.Error("the holder was not waited for")
		}
		mustRelease(t, holder)
		if err := <-down; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestShutdownThatCantWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{})
		holder := b.cache("k")
		mustAcquire(t, holder)
		held := holder.Context(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, b.Shutdown(ctx), context.DeadlineExceeded)
		b.down = true
		if holder.Active() {
			t.Error("active after the shutdown")
		}
		wantIs(t, context.Cause(held), ErrLockLost, ErrClosed)
		wantIs(t, holder.Release(t.Context()), ErrLockLost)
	})
}

// Shutdown waits for fn of Do, and for locks got before that are released late.
func TestShutdownWaitsForDo(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		began := time.Now()
		work := meanwhile(func() error {
			return b.cache("k").Do(t.Context(), func(ctx context.Context) error {
				time.Sleep(time.Minute)
				return ctx.Err()
			})
		})
		synctest.Wait()
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("Shutdown took %v, fn a minute", took)
		}
		if err := <-work; err != nil {
			t.Errorf("Do: %v", err)
		}
	})
}

// A lease that is renewed stays so while Shutdown waits for its holder, and a
// lease that is lost is not waited for any longer.
func TestShutdownRenewsWhatIsHeldAndForgetsWhatIsLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l, lost := b.cache("k"), b.cache("lost", WithExpire(time.Hour))
		mustAcquire(t, l)
		mustAcquire(t, lost)
		began := time.Now()
		down := meanwhile(func() error { return b.Shutdown(t.Context()) })
		time.Sleep(59 * time.Minute)
		if !l.Active() {
			t.Error("not renewed while Shutdown waits")
		}
		mustRelease(t, l)
		if err := <-down; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != usableOf(time.Hour) {
			t.Errorf("Shutdown took %v, the last lease %v", took, usableOf(time.Hour))
		}
		wantIs(t, lost.Release(t.Context()), ErrLockExpired)
	})
}

// A registry that was shut down before a lock of it was ever used.
func TestShutdownBeforeTheFirstUse(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*concurrent.Registry){
		"never opened": func(*concurrent.Registry) {},
		"opened": func(r *concurrent.Registry) {
			if _, err := r.Open(t.Context(), "default"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		r := memoryRegistry(t)
		first(r)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, wait := range []time.Duration{0, Forever} {
			l := Cache("default", "k", WithRegistry(r), WithWait(wait))
			err := l.Acquire(t.Context())
			wantIs(t, err, ErrLockAcquire, ErrClosed)
			err = l.Do(t.Context(), func(context.Context) error {
				t.Errorf("%s: fn ran", name)
				return nil
			})
			wantIs(t, err, ErrLockAcquire, ErrClosed)
		}
		_, err := Inspect(t.Context(), "default", "k", WithRegistry(r))
		wantIs(t, err, ErrClosed)
	}
}

// Whoever waits when Shutdown begins, here or in the store, is told at once.
func TestShutdownEndsEveryWait(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		reader := Read("default", "k", WithRegistry(b.Registry), WithWait(Forever))
		permit := Permit("default", "p", 1, WithRegistry(b.Registry))
		mustAcquire(t, permit)
		var waits []<-chan error
		for _, l := range []*Lock{
			b.cache("k", WithWait(Forever)), b.cache("k", WithWait(time.Hour)), reader,
			b.cache("k", WithWait(Forever), WithRaise(false)),
			Permit("default", "p", 1, WithRegistry(b.Registry), WithWait(Forever)),
		} {
			waits = append(waits, queued(t, l))
		}
		time.Sleep(time.Second) // the first of each line asks the store by now
		began := time.Now()
		down := meanwhile(func() error { return b.Shutdown(t.Context()) })
		for i, w := range waits {
			err := <-w
			wantIs(t, err, ErrLockAcquire, ErrClosed)
			wantNot(t, err, ErrLockActive)
			if took := time.Since(began); took != 0 {
				t.Errorf("waiter %d was told after %v", i, took)
			}
		}
		mustRelease(t, holder)
		mustRelease(t, permit)
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}
