// Package requests has what tests of drivers ask of a store, in few words.
package requests

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
)

var owners atomic.Int64

// Ask is a request by somebody new.
func Ask(key string, lease time.Duration) driver.Request {
	return driver.Request{
		Key: key, Owner: fmt.Sprintf("owner-%d-%d", os.Getpid(), owners.Add(1)), Lease: lease,
		Holder: driver.Holder{Host: "host", PID: os.Getpid(), Label: "test"},
	}
}

// In is r in a mode.
func In(mode driver.Mode, r driver.Request) driver.Request {
	r.Mode = mode
	return r
}

// Take asks for what must be granted.
func Take(t *testing.T, s driver.Store, r driver.Request) driver.Grant {
	t.Helper()
	g, err := s.TryAcquire(t.Context(), r)
	if err != nil {
		t.Fatalf("TryAcquire(%s by %s): %v", r.Key, r.Owner, err)
	}
	return g
}

// GiveBack releases what must be held.
func GiveBack(t *testing.T, s driver.Store, r driver.Request) {
	t.Helper()
	if err := s.Release(t.Context(), r); err != nil {
		t.Fatalf("Release(%s by %s): %v", r.Key, r.Owner, err)
	}
}

// A Waiting is an Acquire in the background. Grant, Err and At, when it returned,
// are set when Done is closed.
type Waiting struct {
	Request driver.Request
	Cancel  context.CancelFunc
	Done    chan struct{}
	Grant   driver.Grant
	Err     error
	At      time.Time
}

// Wait begins to wait. The wait ends with the test.
func Wait(t *testing.T, s driver.Store, r driver.Request) *Waiting {
	ctx, cancel := context.WithCancel(t.Context())
	w := &Waiting{Request: r, Cancel: cancel, Done: make(chan struct{})}
	go func() {
		defer close(w.Done)
		w.Grant, w.Err = s.(driver.Waiter).Acquire(ctx, r)
		w.At = time.Now()
	}()
	t.Cleanup(func() { cancel(); <-w.Done })
	return w
}

// Granted waits for the grant, which must come in time.
func (w *Waiting) Granted(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-w.Done:
	case <-time.After(within):
		t.Fatalf("%s was not granted to the waiter within %v", w.Request.Key, within)
	}
	if w.Err != nil {
		t.Fatalf("the wait for %s ended: %v", w.Request.Key, w.Err)
	}
}

// patience is for what happens soon on a machine that has not much to do.
const patience = 20 * time.Second

// Soon waits until f is true. It asks again and again: what it waits for is
// another process's.
func Soon(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// Clean fails the test if goroutines are left when it is over.
func Clean(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}
