package locktest_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
	"github.com/concurrent-go/concurrent/locktest"
)

// These tests are in docs/guides/testing.md, and some in the package
// documentation: TestDocumentsShowExamples compares them.

// buildReport is code under test that is told its registry.
func buildReport(ctx context.Context, r *concurrent.Registry, build func(context.Context) error) error {
	lock := locks.Cache("default", "report", locks.WithRegistry(r))
	return lock.Do(ctx, build)
}

// nightly is a lock in a package variable, on the default registry.
var nightly = locks.Cache("default", "nightly", locks.WithWait(10*time.Minute))

// runNightly is code under test that uses it.
func runNightly(ctx context.Context, job func(context.Context) error) error {
	return nightly.Do(ctx, job)
}

func ok(context.Context) error { return nil }

func TestHeldBySomebodyElse(t *testing.T) {
	s := locktest.New(t)
	release := s.Hold("default", "report")
	if err := buildReport(t.Context(), s.Registry(), ok); !errors.Is(err, locks.ErrLockActive) {
		t.Errorf("while another builds it: %v, want ErrLockActive", err)
	}
	release()
	if err := buildReport(t.Context(), s.Registry(), ok); err != nil {
		t.Error(err)
	}
}

func TestLost(t *testing.T) {
	s := locktest.New(t)
	err := buildReport(t.Context(), s.Registry(), func(ctx context.Context) error {
		s.Lose("default", "report")
		<-ctx.Done() // the work stops
		return context.Cause(ctx)
	})
	if !errors.Is(err, locks.ErrLockLost) {
		t.Errorf("after the loss: %v, want ErrLockLost", err)
	}
}

func TestStoreDown(t *testing.T) {
	s := locktest.New(t)
	up := s.Down("default")
	if err := buildReport(t.Context(), s.Registry(), ok); !errors.Is(err, locks.ErrUnavailable) {
		t.Errorf("without a store: %v, want ErrUnavailable", err)
	}
	up()
	if err := buildReport(t.Context(), s.Registry(), ok); err != nil {
		t.Error(err)
	}
}

func TestStoreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := locktest.New(t)
		s.Slow("default", time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := buildReport(ctx, s.Registry(), ok); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a slow store: %v, want DeadlineExceeded", err)
		}
	})
}

// A store that is away for longer than the lease costs the lock.
func TestLongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := locktest.New(t)
		start := time.Now()
		err := buildReport(t.Context(), s.Registry(), func(ctx context.Context) error {
			defer s.Down("default")()
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if !errors.Is(err, locks.ErrLockLost) {
			t.Errorf("after the outage: %v, want ErrLockLost", err)
		}
		if d := time.Since(start); d > concurrent.DefaultLease {
			t.Errorf("the work went on for %v, longer than the lease", d)
		}
	})
}

func TestPackageVariable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := locktest.Default(t)
		release := s.Hold("default", "nightly")
		time.AfterFunc(9*time.Minute, release)
		start := time.Now()
		if err := runNightly(t.Context(), ok); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 9*time.Minute {
			t.Errorf("it waited for %v, want 9m", d)
		}
	})
}

// onServer returns a registry with the store that TEST_LOCKS_URL names, such as
// redis://localhost:6379/15, and without the variable one in memory.
func onServer(t *testing.T) *concurrent.Registry {
	t.Helper()
	r := concurrent.NewRegistry()
	r.MustConfigure(concurrent.Aliases{"default": {
		URL:    cmp.Or(os.Getenv("TEST_LOCKS_URL"), "memory://"),
		Prefix: t.Name() + ":", // tests that share a server share no keys
	}})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Error(err) // names what is still held
		}
	})
	return r
}

func TestReportOnServer(t *testing.T) {
	r := onServer(t)
	err := buildReport(t.Context(), r, func(context.Context) error {
		if err := buildReport(t.Context(), r, ok); !errors.Is(err, locks.ErrLockActive) {
			t.Errorf("a second one at the same time: %v, want ErrLockActive", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
