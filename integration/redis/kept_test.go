package redis

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// Calls that come one after another have a connection kept for them, which the
// pool does not look at before each.
func TestAServerThatClosesConnectionsBetweenCallsEndsNoLock(t *testing.T) {
	srv := start(t)
	s, admin := open(t, srv.url()), srv.admin()
	for range 20 {
		r := requests.Ask("k", time.Minute)
		first := requests.Take(t, s, r)
		closeConnections(t, admin)
		if _, err := s.Extend(t.Context(), r); err != nil {
			t.Fatalf("Extend: %v", err)
		}
		closeConnections(t, admin)
		if again := requests.Take(t, s, r); again.Token != first.Token {
			t.Fatalf("asked again it has token %d, not %d", again.Token, first.Token)
		}
		closeConnections(t, admin)
		if err := s.Release(t.Context(), r); err != nil {
			t.Fatalf("Release: %v", err)
		}
	}
}

// closeConnections has the server close all but the admin's and those that
// subscribe.
func closeConnections(t *testing.T, admin *redis.Client) {
	t.Helper()
	if n, err := admin.ClientKillByFilter(t.Context(), "TYPE", "normal").Result(); err != nil || n == 0 {
		t.Fatalf("%d connections closed, %v", n, err)
	}
}

// A pool of one has none to keep.
func TestAPoolOfOneConnectionServesAll(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url()+"?pool_size=1&pool_timeout=1s")
	warm(t, s)
	for range 20 {
		together(asks("k", 50), func(r driver.Request) {
			if _, err := s.TryAcquire(t.Context(), r); err != nil {
				t.Error(err)
				return
			}
			requests.GiveBack(t, s, r)
		})
		warm(t, s)
	}
}
