package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadersAndWriters(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		opts := []Option{WithRegistry(b.Registry), WithWait(time.Minute)}
		one, two, writer := Read("default", "k", opts...), Read("default", "k", opts...), Write("default", "k", opts...)
		mustAcquire(t, one)
		mustAcquire(t, two)
		wrote := meanwhile(func() error { return writer.Acquire(t.Context()) })
		synctest.Wait()
		if got, err := Read("default", "k", WithRegistry(b.Registry)).TryAcquire(t.Context()); got || err != nil {
			t.Errorf("a reader was let in before a waiting writer: %t, %v", got, err)
		}
		mustRelease(t, one)
		mustRelease(t, two)
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		if got, err := b.cache("k").TryAcquire(t.Context()); got || err != nil {
			t.Errorf("Cache beside Write: %t, %v", got, err)
		}
		mustRelease(t, writer)
	})
}

func TestPermits(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var held []*Lock
		for range 3 {
			l := Permit("default", "k", 3, WithRegistry(b.Registry))
			mustAcquire(t, l)
			held = append(held, l)
		}
		fourth := Permit("default", "k", 3, WithRegistry(b.Registry), WithWait(time.Minute))
		done := meanwhile(func() error { return fourth.Acquire(t.Context()) })
		time.Sleep(time.Second)
		mustRelease(t, held[1])
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, l := range []*Lock{held[0], held[2], fourth} {
			mustRelease(t, l)
		}
		for _, n := range []int{0, -1, 1<<16 + 1} {
			wantIs(t, Permit("default", "k", n, WithRegistry(b.Registry)).Acquire(t.Context()), ErrInvalidOption)
		}
	})
}

// A value holds one lease at most, also in the modes of which the store would
// give it several.
func TestSharedValuesHoldOneLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for name, l := range map[string]*Lock{
			"read":   Read("default", "r", WithRegistry(b.Registry), WithWait(time.Minute)),
			"permit": Permit("default", "p", 3, WithRegistry(b.Registry), WithWait(time.Minute)),
		} {
			mustAcquire(t, l)
			if got, err := l.TryAcquire(t.Context()); got || err != nil {
				t.Errorf("%s: a second lease: %t, %v", name, got, err)
			}
			began := time.Now()
			wantIs(t, l.Acquire(t.Context()), ErrLockActive)
			if waited := time.Since(began); waited != time.Minute {
				t.Errorf("%s: waited for %v for the value's own lease, want a minute", name, waited)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			wantIs(t, l.Acquire(ctx), ErrLockActive, context.DeadlineExceeded)
			cancel()
			time.AfterFunc(time.Second, func() { mustRelease(t, l) })
			if err := l.Acquire(t.Context()); err != nil {
				t.Errorf("%s: once the lease was given back: %v", name, err)
			}
			mustRelease(t, l)
		}
	})
}
