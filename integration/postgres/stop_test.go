package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// A call is one that a server's end comes into the middle of, by somebody who
// holds the request's key.
type call func(context.Context, driver.Store, driver.Request) error

func calls() map[string]call {
	return map[string]call{
		"TryAcquire": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.TryAcquire(ctx, requests.Ask("new "+r.Key, r.Lease)))
		},
		"Acquire": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.(driver.Waiter).Acquire(ctx, requests.Ask("new "+r.Key, r.Lease)))
		},
		"Shared": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.TryAcquire(ctx, requests.In(driver.Shared, requests.Ask("new "+r.Key, r.Lease))))
		},
		"Slots": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.TryAcquire(ctx, requests.In(driver.Slots(2), requests.Ask("new "+r.Key, r.Lease))))
		},
		"Again": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.TryAcquire(ctx, r))
		},
		"Extend": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.Extend(ctx, r))
		},
		"Release": func(ctx context.Context, s driver.Store, r driver.Request) error { return s.Release(ctx, r) },
		"Keep": func(ctx context.Context, s driver.Store, r driver.Request) error {
			r.Lease = 0
			return s.(driver.Keeper).Keep(ctx, r)
		},
		"Inspect": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.(driver.Inspector).Inspect(ctx, r.Key))
		},
		"List": func(ctx context.Context, s driver.Store, _ driver.Request) error {
			for _, err := range s.(driver.Inspector).List(ctx, "") {
				return err
			}
			return nil
		},
		"Break": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.(driver.Inspector).Break(ctx, r.Key))
		},
	}
}

// A victim is a call that is under way, of a store that has nothing else to do.
type victim struct {
	name  string
	store driver.Store
	link  *servers.Link
	heard <-chan loss
	held  driver.Request
	done  chan error
}

func newVictim(t *testing.T, srv *server, name string) *victim {
	t.Helper()
	v := &victim{name: name, link: srv.Link(t), held: requests.Ask("of "+name, 30*time.Second), done: make(chan error, 1)}
	u := as(srv.url(), "test")
	u.Host = v.link.Addr
	v.store = open(t, with(u, "schema", "stop"))
	v.heard = losses(t, v.store)
	requests.Take(t, v.store, v.held)
	if _, err := v.store.(driver.Inspector).Inspect(t.Context(), v.held.Key); err != nil {
		t.Fatal(err) // which makes the tables
	}
	return v
}

// The server ends in the middle of each call: what it was asked is done, and no
// answer comes.
func TestAServerThatEndsInTheMiddleOfACallLeavesNothingHeld(t *testing.T) {
	t.Parallel()
	srv := start(t, "max_connections=200")
	u := with(as(srv.url(), "test"), "schema", "stop")
	var victims []*victim
	for name, call := range calls() {
		v := newVictim(t, srv, name)
		victims = append(victims, v)
		v.link.Withhold()
		go func() { v.done <- call(t.Context(), v.store, v.held) }()
	}
	direct := openApart(t, u)
	fresh := requests.Ask("new of TryAcquire", 30*time.Second)
	requests.Soon(t, "the server has granted what nobody knows of", func() bool {
		err := second(direct.TryAcquire(t.Context(), fresh))
		if err == nil {
			requests.GiveBack(t, direct, fresh)
		}
		return errors.Is(err, driver.ErrHeld)
	})
	for _, v := range victims {
		if len(v.done) > 0 {
			t.Errorf("%s returned %v before the server ended", v.name, <-v.done)
		}
	}
	check(t, srv.Kill())
	for _, v := range victims {
		v.link.Drop()
		v.link.Heal()
	}
	for _, v := range victims {
		v.ended(t)
	}
	check(t, srv.Restart())
	after := openApart(t, u)
	for _, v := range victims {
		requests.Take(t, after, requests.Ask("new "+v.held.Key, 30*time.Second))
		err := second(after.TryAcquire(t.Context(), requests.Ask(v.held.Key, 30*time.Second)))
		kept := v.name == "Keep" && errors.Is(err, driver.ErrHeld) // it may have been done
		if err != nil && !kept {
			t.Errorf("after %s, %s: %v", v.name, v.held.Key, err)
		}
	}
}

// ended checks what the call returned, and that the holder was told.
func (v *victim) ended(t *testing.T) {
	t.Helper()
	select {
	case err := <-v.done:
		gone := errors.Is(err, driver.ErrNotHeld) && (v.name == "Extend" || v.name == "Release")
		if !errors.Is(err, driver.ErrUnavailable) && !gone {
			t.Errorf("%s: %v, want ErrUnavailable", v.name, err)
		}
		silent(t, err)
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not return", v.name)
	}
	if v.name == "Release" || v.name == "Keep" {
		return // whether it ended before the session did, nobody knows
	}
	if l := next(t, v.heard); l.Key != v.held.Key {
		t.Errorf("%s: the loss of %s was told", v.name, l.Key)
	}
}

// A server that is away for a while is asked no more often than it takes, and
// calls say so at once; then it is used again.
func TestACallToAServerThatIsAwaySaysSo(t *testing.T) {
	t.Parallel()
	srv := start(t)
	s := open(t, as(srv.url(), "test"))
	warm := requests.Ask("warm", 30*time.Second)
	requests.Take(t, s, warm)
	if _, err := s.(driver.Inspector).Inspect(t.Context(), "warm"); err != nil {
		t.Fatal(err)
	}
	heard := losses(t, s)
	check(t, srv.Kill())
	next(t, heard)
	for name, call := range calls() {
		r := requests.Ask("k", 30*time.Second)
		err := call(t.Context(), s, r)
		gone := name == "Extend" || name == "Keep" || name == "Release"
		if gone && !errors.Is(err, driver.ErrNotHeld) || !gone && !errors.Is(err, driver.ErrUnavailable) {
			t.Errorf("%s while the server is away: %v", name, err)
		}
		silent(t, err)
	}
	check(t, srv.Restart())
	again(t, s, requests.Ask("k", 30*time.Second))
	requests.Soon(t, "it can be inspected again", func() bool {
		info, err := s.(driver.Inspector).Inspect(t.Context(), "k")
		return err == nil && len(info.Holders) == 1
	})
	check(t, second(s.(driver.Waiter).Acquire(t.Context(), requests.Ask("another", 30*time.Second))))
}

// The end of the caller's context is heard whatever the server does.
func TestACallerLeavesAServerThatIsFrozen(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	requests.Take(t, s, requests.Ask("held", 30*time.Second))
	check(t, srv.Pause())
	defer func() { check(t, srv.Resume()) }()
	for name, lease := range map[string]time.Duration{"a session that is there": 30 * time.Second, "one that is not": time.Minute} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := s.TryAcquire(ctx, requests.Ask("k", lease))
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("%s: it returned after %v, 200 ms were to go", name, took)
		}
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrHeld) {
			t.Errorf("%s: it returned %v, want the context's error alone", name, err)
		}
	}
}
