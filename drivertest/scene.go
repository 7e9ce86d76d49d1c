package drivertest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A scene is what one case works with: a backend, the stores opened on it, and
// the words to say what is broken. Its methods may be used by many goroutines;
// those that end the case (fatal, take, open …) only by the case's own.
type scene struct {
	t       *testing.T
	h       Harness
	promise string
	ctx     context.Context
	opens   func(context.Context) (driver.Store, error)
	owners  atomic.Int64
}

func newScene(t *testing.T, h Harness, promise string) *scene {
	t.Helper()
	return &scene{t: t, h: h, promise: promise, ctx: t.Context(), opens: h.Backend(t)}
}

// broken says that the promise is not kept, and how that was seen.
func (s *scene) broken(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("broken: %s\n\t%s", s.promise, fmt.Sprintf(format, args...))
}

// fatal is broken, and ends the case.
func (s *scene) fatal(format string, args ...any) {
	s.t.Helper()
	s.broken(format, args...)
	s.t.FailNow()
}

// open opens one more store on the backend, and closes it at the end.
func (s *scene) open() driver.Store {
	s.t.Helper()
	st, err := s.opens(s.ctx)
	if err != nil {
		s.t.Fatalf("a store could not be opened: %v", err)
	}
	s.t.Cleanup(func() {
		if err := st.Close(); err != nil {
			s.t.Errorf("Close: %v", err)
		}
	})
	return st
}

// long is a lease that does not end while a case runs.
const long = time.Hour

// request asks for key, exclusively and for long, in the name of somebody new.
func (s *scene) request(key string) driver.Request {
	return driver.Request{
		Key: key, Owner: fmt.Sprintf("owner-%d", s.owners.Add(1)), Lease: long,
		Holder: driver.Holder{Host: "host", PID: 1234, Label: "drivertest"},
	}
}

// in is r in another mode.
func in(mode driver.Mode, r driver.Request) driver.Request {
	r.Mode = mode
	return r
}

// lasting is r with another lease.
func lasting(lease time.Duration, r driver.Request) driver.Request {
	r.Lease = lease
	return r
}

// take has r granted, which must succeed.
func (s *scene) take(st driver.Store, r driver.Request) driver.Grant {
	s.t.Helper()
	g, err := st.TryAcquire(s.ctx, r)
	if err != nil {
		s.fatal("%s was not granted to %s (%v): %v", show(r.Key), r.Owner, r.Mode, err)
	}
	return g
}

// refused has r refused because the key is held.
func (s *scene) refused(st driver.Store, r driver.Request) {
	s.t.Helper()
	g, err := st.TryAcquire(s.ctx, r)
	if err == nil {
		s.fatal("%s was granted to %s (%v, token %d) while it is held", show(r.Key), r.Owner, r.Mode, g.Token)
	}
	if _, ok := errors.AsType[*driver.HeldError](err); !ok || !errors.Is(err, driver.ErrHeld) {
		s.fatal("%s is held, but the refusal is no *HeldError: %v", show(r.Key), err)
	}
}

// giveBack releases r's lease, which must succeed.
func (s *scene) giveBack(st driver.Store, r driver.Request) {
	s.t.Helper()
	if err := st.Release(s.ctx, r); err != nil {
		s.fatal("Release of %s by its owner %s: %v", show(r.Key), r.Owner, err)
	}
}

// want checks what a call returned.
func (s *scene) want(what string, err, want error) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.broken("%s: got error %v, want %v", what, err, want)
	}
}

// free checks that somebody else can have the key, and gives it back.
func (s *scene) free(st driver.Store, key string) driver.Grant {
	s.t.Helper()
	r := s.request(key)
	g := s.take(st, r)
	s.giveBack(st, r)
	return g
}

// soon waits until f is true, for as long as the harness is patient.
func (s *scene) soon(what string, f func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(s.h.Patience); !f(); {
		if time.Now().After(deadline) {
			s.fatal("not within %v: %s", s.h.Patience, what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// takenLate asks for r again and again until it is granted, and returns when
// the call that succeeded had returned.
func (s *scene) takenLate(st driver.Store, r driver.Request) (driver.Grant, time.Time) {
	s.t.Helper()
	var g driver.Grant
	s.soon("the key is granted to "+r.Owner, func() bool {
		var err error
		g, err = st.TryAcquire(s.ctx, r)
		if err != nil && !errors.Is(err, driver.ErrHeld) {
			s.fatal("TryAcquire of %s: %v", show(r.Key), err)
		}
		return err == nil
	})
	return g, time.Now()
}

// unsupported skips the case if err says that the store can't do what it needs.
func (s *scene) unsupported(err error) {
	s.t.Helper()
	if errors.Is(err, driver.ErrUnsupported) {
		s.t.Skipf("this store can't: %v", err)
	}
}

// show is a key as it is printed.
func show(key string) string {
	if len(key) > 40 {
		return fmt.Sprintf("%q… (%d bytes)", key[:40], len(key))
	}
	return fmt.Sprintf("%q", key)
}
