package locktest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks"
	"github.com/concurrent-go/concurrent/locktest"
)

// What a failure of the test would be is tested inside the package; these tests
// pass if locks and the stores go well together.

func TestPackageVariableInManyBubbles(t *testing.T) {
	report := locks.Cache("default", "report")
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			s := locktest.Default(t)
			err := report.Do(t.Context(), func(ctx context.Context) error {
				s.Lose("default", "report")
				<-ctx.Done()
				return context.Cause(ctx)
			})
			if !errors.Is(err, locks.ErrLockLost) {
				t.Errorf("after the loss: %v, want ErrLockLost", err)
			}
		})
	}
}

func TestPackageVariableInManyTests(t *testing.T) {
	report := locks.Cache("default", "report")
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			defer locktest.Default(t).Hold("default", "report")()
			if err := report.Acquire(t.Context()); !errors.Is(err, locks.ErrLockActive) {
				t.Errorf("Acquire: %v, want ErrLockActive", err)
			}
		})
	}
}

// Acquire and Release on a value, and a lease that is renewed for an hour.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := locktest.New(t)
		lock := locks.Cache("default", "k", locks.WithRegistry(s.Registry()))
		if err := lock.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		up := s.Down("default")
		time.Sleep(15 * time.Second)
		up()
		time.Sleep(time.Hour)
		if !lock.Active() {
			t.Error("not active after an outage that was shorter than the lease")
		}
		if err := lock.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A release that the store does not get is the store's fault, not the test's.
func TestReleaseWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := locktest.New(t)
		lock := locks.Cache("default", "k", locks.WithRegistry(s.Registry()))
		if err := lock.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Down("default")
		if err := lock.Release(t.Context()); !errors.Is(err, locks.ErrLockRelease) {
			t.Errorf("Release: %v, want ErrLockRelease", err)
		}
	})
}

// The goroutines of a test that end with its context are waited for, and a key
// that stays held on purpose is nobody's mistake.
func TestEndWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := locktest.New(t)
		in := locks.WithRegistry(s.Registry())
		for range 3 {
			go func() {
				lock := locks.Cache("default", "k", in, locks.WithWait(locks.Forever))
				_ = lock.Do(t.Context(), func(ctx context.Context) error {
					<-ctx.Done()
					return nil
				})
			}()
		}
		synctest.Wait()
		kept := locks.Cache("default", "kept", in, locks.WithExpire(time.Hour), locks.WithKeep())
		if err := kept.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

// Inspect shows the test's holder as any other.
func TestInspectHold(t *testing.T) {
	t.Parallel()
	s := locktest.New(t)
	defer s.Hold("default", "k")()
	info, err := locks.Inspect(t.Context(), "default", "k", locks.WithRegistry(s.Registry()))
	if err != nil || len(info.Holders) != 1 || info.Holders[0].Label != "locktest.Hold" || !info.Holders[0].Until.IsZero() {
		t.Errorf("Inspect: %+v, %v", info, err)
	}
	up := s.Down("default")
	defer up()
	_, err = locks.Inspect(t.Context(), "default", "k", locks.WithRegistry(s.Registry()))
	if !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("Inspect of a store that is down: %v, want ErrUnavailable", err)
	}
}
