package postgres

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// Locks need no DDL: a process makes tables only when it is asked for what needs
// them.
func TestNobodyMakesTablesThatNobodyNeeds(t *testing.T) {
	t.Parallel()
	srv := start(t)
	s := open(t, srv.url())
	r := requests.Ask("k", 30*time.Second)
	requests.Take(t, s, r)
	<-time.After(2500 * time.Millisecond) // what is held is written down after a second
	const tables = "select count(*) from pg_tables where schemaname = 'concurrent'"
	if n := number(t, srv.admin(), tables); n != 0 {
		t.Errorf("there are %d tables", n)
	}
	check(t, second(s.(driver.Inspector).Inspect(t.Context(), "k")))
	if n := number(t, srv.admin(), tables); n != 3 {
		t.Errorf("there are %d tables, want three", n)
	}
	requests.GiveBack(t, s, r)
}

func TestWhoAsksWhetherKeysCanBeKeptMakesTheTables(t *testing.T) {
	srv, admin := granting(t, "maker")
	run(t, admin, "grant create on database postgres to maker")
	s := open(t, as(srv.url(), "maker"))
	check(t, s.(driver.KeepChecker).CheckKeep(t.Context()))
	if n := number(t, admin, "select count(*) from pg_tables where schemaname = 'concurrent'"); n != 3 {
		t.Errorf("there are %d tables, want three", n)
	}
	check(t, keep(t, s))
	check(t, s.Close())
	if err := s.(driver.KeepChecker).CheckKeep(t.Context()); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("of a closed store: %v", err)
	}
}

func TestManyProcessesThatMakeTheTablesAtTheSameTimeAllHaveThem(t *testing.T) {
	srv := start(t, "max_connections=200")
	for range 5 {
		u := schema(t, srv.Server)
		var group sync.WaitGroup
		for range 6 {
			s := openApart(t, u)
			group.Go(func() {
				if err := second(s.(driver.Inspector).Inspect(t.Context(), "k")); err != nil {
					t.Errorf("Inspect: %v", err)
				}
			})
		}
		group.Wait()
	}
}
