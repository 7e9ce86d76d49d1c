package locktest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A recorder is a test that fails without failing the test that it is part of.
type recorder struct {
	testing.TB // what it does not record
	failures   []string
	cleanups   []func()
	endTook    time.Duration // of the stores; see bubble
}

func (r *recorder) Helper()           {}
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Name() string      { return r.TB.Name() }
func (r *recorder) all() string       { return strings.Join(r.failures, "\n") }
func (r *recorder) Failed() bool      { return len(r.failures) > 0 }
func (r *recorder) fail(text string)  { r.failures = append(r.failures, text) }
func (r *recorder) Fatal(args ...any) { r.fail(fmt.Sprint(args...)); runtime.Goexit() }

func (r *recorder) Errorf(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// record runs f as a test of its own, to its end.
func record(t *testing.T, f func(t testing.TB)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, cleanup := range slices.Backward(r.cleanups) {
				cleanup()
			}
		}()
		f(r)
	}()
	<-done
	return r
}

// wantFailure says that the test failed with all of these words, once.
func (r *recorder) wantFailure(t *testing.T, words ...string) {
	t.Helper()
	if len(r.failures) != 1 {
		t.Fatalf("failures are %q, want one", r.failures)
	}
	for _, w := range words {
		if !strings.Contains(r.failures[0], w) {
			t.Errorf("failure does not say %q:\n%s", w, r.failures[0])
		}
	}
}

func (r *recorder) wantPass(t *testing.T) {
	t.Helper()
	if r.Failed() {
		t.Errorf("the test failed:\n%s", r.all())
	}
}

// in runs f in a bubble, with stores.
func in(t *testing.T, f func(t *testing.T, s *Stores)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, New(t)) })
}

// open returns the store of an alias as drivers' users see it.
func open(t testing.TB, s *Stores, alias string) *store {
	t.Helper()
	st, err := s.Registry().Store(context.Background(), alias)
	if err != nil {
		t.Fatalf("Store(%q): %v", alias, err)
	}
	return st.(*store)
}

// ask is a request of the code under test, with a lease of ten seconds.
func ask(key, owner string) driver.Request {
	return driver.Request{
		Key: key, Owner: owner, Lease: 10 * time.Second,
		Holder: driver.Holder{Host: "web-1", PID: 17, Label: "worker " + owner},
	}
}

func take(t testing.TB, st *store, r driver.Request) driver.Grant {
	t.Helper()
	g, err := st.TryAcquire(context.Background(), r)
	if err != nil {
		t.Fatalf("TryAcquire(%s by %s): %v", r.Key, r.Owner, err)
	}
	return g
}

func giveBack(t testing.TB, st *store, r driver.Request) {
	t.Helper()
	if err := st.Release(context.Background(), r); err != nil {
		t.Errorf("Release(%s by %s): %v", r.Key, r.Owner, err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// wait has r acquired in the background, and returns what it comes to.
func wait(ctx context.Context, st *store, r driver.Request) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := st.Acquire(ctx, r)
		done <- err
	}()
	return done
}
