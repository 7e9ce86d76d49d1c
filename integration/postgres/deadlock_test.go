package postgres

import (
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// Of two processes that take two keys in opposite order, none ever has the server
// wait with one key for the other: it finds no deadlock.
func TestTwoKeysInOppositeOrderNeverHangTheServer(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	s := open(t, srv.url())
	both := []*process.Process{process.Start(t, "pairs", srv.URL, "a,b"), process.Start(t, "pairs", srv.URL, "b,a")}
	for _, p := range both {
		p.Hears("begins")
	}
	looks := 0
	for over := time.After(3 * time.Second); ; looks++ {
		if n := number(t, admin, standingWithMore); n > 0 {
			t.Fatalf("%d backends wait for a lock and hold another", n)
		}
		select {
		case <-over:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	for _, p := range both {
		p.End()
		if n := p.HearsNumber(); n == 0 {
			t.Error("a process never had both keys")
		} else {
			t.Logf("both keys were had %d times, during %d looks", n, looks)
		}
	}
	if n := number(t, admin, "select coalesce(sum(deadlocks), 0)::int8 from pg_stat_database"); n > 0 {
		t.Errorf("the server found %d deadlocks", n)
	}
	for _, key := range []string{"a", "b"} {
		requests.Take(t, s, requests.Ask(key, 30*time.Second))
	}
}

// Both wait for what the other holds, and nobody gives up: who inspects and who
// breaks is served, and each is granted the key of a holder that is broken.
func TestTwoThatWaitForEachOtherCanBeBroken(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	one, two, third := openApart(t, srv.url()), openApart(t, srv.url()), openApart(t, srv.url())
	requests.Take(t, one, requests.Ask("a", 30*time.Second))
	requests.Take(t, two, requests.Ask("b", 30*time.Second))
	wantsB, wantsA := requests.Wait(t, one, requests.Ask("b", 30*time.Second)), requests.Wait(t, two, requests.Ask("a", 30*time.Second))
	marked(t, third, "a", 1)
	marked(t, third, "b", 1)
	if n := number(t, admin, "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"); n > 0 {
		t.Errorf("%d backends wait for a lock", n)
	}
	if _, err := third.(driver.Inspector).Break(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantsA.Granted(t, mostFallback+lag)
	if _, err := third.(driver.Inspector).Break(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	wantsB.Granted(t, mostFallback+lag)
}
