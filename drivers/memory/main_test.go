package memory

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask is a request of 10 seconds in a mode.
func ask(key, owner string, mode driver.Mode) driver.Request {
	return driver.Request{Key: key, Owner: owner, Lease: 10 * time.Second, Mode: mode}
}

func lasting(r driver.Request, lease time.Duration) driver.Request {
	r.Lease = lease
	return r
}

func take(t *testing.T, s *Store, r driver.Request) driver.Grant {
	t.Helper()
	g, err := s.TryAcquire(t.Context(), r)
	if err != nil {
		t.Fatalf("TryAcquire(%s by %s): %v", r.Key, r.Owner, err)
	}
	return g
}

func giveBack(t *testing.T, s *Store, r driver.Request) {
	t.Helper()
	if err := s.Release(t.Context(), r); err != nil {
		t.Fatalf("Release(%s by %s): %v", r.Key, r.Owner, err)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// wantHeld says that s refuses r, and for how long.
func wantHeld(t *testing.T, s *Store, r driver.Request, want time.Duration) {
	t.Helper()
	var held *driver.HeldError
	if _, err := s.TryAcquire(t.Context(), r); !errors.As(err, &held) {
		t.Errorf("TryAcquire(%s by %s) is %v, want a *HeldError", r.Key, r.Owner, err)
	} else if held.For != want {
		t.Errorf("%s is held for %v of %s, want %v", r.Key, held.For, r.Owner, want)
	}
}

// outcome is what a wait in the background came to.
type outcome struct {
	driver.Grant
	err    error
	after  time.Duration
	owner  string
	cancel context.CancelFunc
	done   chan struct{}
}

// wait has r acquired in the background.
func wait(t *testing.T, s *Store, r driver.Request) *outcome {
	ctx, cancel := context.WithCancel(t.Context())
	o := &outcome{owner: r.Owner, cancel: cancel, done: make(chan struct{})}
	began := time.Now()
	go func() {
		defer close(o.done)
		o.Grant, o.err = s.Acquire(ctx, r)
		o.after = time.Since(began)
	}()
	return o
}

func (o *outcome) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// wantOver says which of the waits are over: those first in line.
func wantOver(t *testing.T, when string, granted int, all ...*outcome) {
	t.Helper()
	for i, o := range all {
		if o.over() != (i < granted) {
			t.Errorf("%s: wait of %s is over: %v, want the first %d to be", when, o.owner, o.over(), granted)
		} else if o.over() && o.err != nil {
			t.Errorf("%s: wait of %s: %v", when, o.owner, o.err)
		}
	}
}

// entries is how many keys the store has in memory, but for the empty one that
// each shard may keep at hand.
func (s *Store) entries() (n int) {
	for i := range s.backend.shards {
		sh := &s.backend.shards[i]
		sh.mu.Lock()
		n += len(sh.entries)
		if sh.hot != nil && sh.hot.empty() {
			n--
		}
		sh.mu.Unlock()
	}
	return n
}

// timer tells for when the timer of key is set, −1 if there is none.
func (s *Store) timer(key string) int64 {
	sh := s.backend.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.entries[key]; e != nil && e.queue != nil && e.queue.timer != nil {
		return e.queue.armed
	}
	return -1
}
