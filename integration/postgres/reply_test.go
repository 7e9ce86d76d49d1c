package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// throughLink opens a store behind a link.
func throughLink(t *testing.T, srv *server) (driver.Store, *servers.Link) {
	t.Helper()
	link := srv.Link(t)
	u := srv.url()
	u.Host = link.Addr
	return open(t, u), link
}

type acquire = func(driver.Store, context.Context, driver.Request) (driver.Grant, error)

func acquires() map[string]acquire {
	return map[string]acquire{
		"TryAcquire": driver.Store.TryAcquire,
		"Acquire": func(s driver.Store, ctx context.Context, r driver.Request) (driver.Grant, error) {
			return s.(driver.Waiter).Acquire(ctx, r)
		},
	}
}

// Rows 10 and 16: the caller leaves in time, and what it was granted is given
// back, when the reply comes and also when it never does.
func TestAGrantThatNobodyHeardOfIsGivenBack(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	direct := openApart(t, srv.url())
	for name, get := range acquires() {
		for _, late := range []bool{true, false} {
			s, link := throughLink(t, srv)
			key := fmt.Sprint(name, late)
			lock := lockOf(t, admin, direct, key)
			link.Withhold()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			_, err := get(s, ctx, requests.Ask(key, 30*time.Second))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrHeld) {
				t.Errorf("%s: %v, want context.DeadlineExceeded alone", name, err)
			}
			requests.Soon(t, "the server granted it", func() bool { return alone(t, admin)[lock] != 0 })
			began := time.Now()
			if !late {
				link.Drop()
			}
			link.Heal()
			if took := freed(t, admin, lock).Sub(began); took > 2*lag {
				t.Errorf("%s: what nobody heard of was held for %v more", name, took)
			}
		}
	}
}

// Rows 10 and 12: a connection that breaks in the middle of a reply takes all
// that its session holds, and nothing is held that nobody knows of.
func TestAConnectionThatBreaksInTheMiddleOfAReplyLeavesNothingHeld(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	direct := openApart(t, srv.url())
	for name, call := range map[string]func(driver.Store, driver.Request) error{
		"TryAcquire": func(s driver.Store, _ driver.Request) error {
			return second(s.TryAcquire(t.Context(), requests.Ask("new", 30*time.Second)))
		},
		"Extend":  func(s driver.Store, r driver.Request) error { return second(s.Extend(t.Context(), r)) },
		"Release": func(s driver.Store, r driver.Request) error { return s.Release(t.Context(), r) },
	} {
		s, link := throughLink(t, srv)
		heard := losses(t, s)
		r, neighbour := requests.Ask(name, 30*time.Second), requests.Ask("neighbour of "+name, 30*time.Second)
		lock := lockOf(t, admin, direct, "new")
		requests.Take(t, s, r)
		requests.Take(t, s, neighbour)
		link.Reset(3)
		if err := call(s, r); !errors.Is(err, driver.ErrUnavailable) && !errors.Is(err, driver.ErrNotHeld) {
			t.Errorf("%s: %v, want ErrUnavailable or ErrNotHeld", name, err)
		}
		for l := next(t, heard); l.Key != neighbour.Key; l = next(t, heard) {
			if l.Key != r.Key {
				t.Errorf("the loss of %s was told", l.Key)
			}
		}
		freed(t, admin, lock)
		for _, r := range []driver.Request{r, neighbour} {
			requests.Soon(t, "it is free", func() bool {
				again := requests.Ask(r.Key, 30*time.Second)
				err := second(direct.TryAcquire(t.Context(), again))
				return err == nil && direct.Release(t.Context(), again) == nil
			})
		}
		link.Heal()
	}
}

// Row 15: an answer that comes later than the lease ends grants nothing.
func TestAnAnswerThatComesAfterTheLeasesEndIsNoGrant(t *testing.T) {
	t.Parallel()
	srv := start(t)
	admin := srv.admin()
	s, link := throughLink(t, srv)
	direct := openApart(t, srv.url())
	warm := requests.Ask("warm", 2*time.Second)
	requests.Take(t, s, warm)
	requests.GiveBack(t, s, warm)
	lock := lockOf(t, admin, direct, "k")
	link.Latency(1200 * time.Millisecond) // each way
	g, err := s.TryAcquire(t.Context(), requests.Ask("k", 2*time.Second))
	if err == nil && time.Since(g.Sent) < 2*time.Second {
		t.Errorf("a lease that is over was granted, sent %v ago", time.Since(g.Sent))
	}
	if err != nil && !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("TryAcquire: %v, want ErrUnavailable", err)
	}
	link.Heal()
	freed(t, admin, lock)
}
