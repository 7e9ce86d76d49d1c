package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// granting is a server with roles that may connect, and nothing else.
func granting(t *testing.T, roles ...string) (*server, *pgx.Conn) {
	t.Helper()
	srv := start(t)
	admin := srv.admin()
	run(t, admin, "revoke all on database postgres from public", "revoke all on schema public from public")
	for _, role := range roles {
		run(t, admin, "create role "+role+" login", "grant connect on database postgres to "+role)
	}
	return srv, admin
}

func run(t *testing.T, c *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// locksAndWaits goes through what needs no rights, in every mode.
func locksAndWaits(t *testing.T, one, two driver.Store) {
	t.Helper()
	for i, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(1)} {
		r := requests.In(mode, requests.Ask(fmt.Sprint("locks ", mode), 30*time.Second))
		g := requests.Take(t, one, r)
		if g.Token == 0 {
			t.Error("no token")
		}
		theirs := requests.In(mode, requests.Ask(r.Key, 30*time.Second))
		if mode == driver.Shared {
			theirs.Mode = driver.Exclusive
		}
		w := requests.Wait(t, two, theirs)
		if err := second(two.TryAcquire(t.Context(), requests.Ask(r.Key, 30*time.Second))); !errors.Is(err, driver.ErrHeld) {
			t.Errorf("%d: a key that is held: %v", i, err)
		}
		check(t, second(one.Extend(t.Context(), r)))
		requests.GiveBack(t, one, r)
		w.Granted(t, mostFallback+lag)
		requests.GiveBack(t, two, theirs)
		if theirs.Mode == driver.Exclusive && w.Grant.Token <= g.Token {
			t.Errorf("token %d after %d", w.Grant.Token, g.Token)
		}
	}
}

// inspections are the calls that need the tables.
func inspections(t *testing.T, s driver.Store, r driver.Request) map[string]error {
	t.Helper()
	inspector := s.(driver.Inspector)
	listed := errors.New("nothing was listed")
	for _, err := range inspector.List(t.Context(), r.Key) {
		listed = err
	}
	return map[string]error{
		"Inspect": second(inspector.Inspect(t.Context(), r.Key)),
		"List":    listed,
		"Break":   second(inspector.Break(t.Context(), r.Key)),
		"Keep":    keep(t, s),
		// Before a lock is acquired that is to be kept.
		"CheckKeep": s.(driver.KeepChecker).CheckKeep(t.Context()),
	}
}

// keep keeps a key, or else gives it back.
func keep(t *testing.T, s driver.Store) error {
	t.Helper()
	r := requests.Ask("kept", 30*time.Second)
	requests.Take(t, s, r)
	kept := r
	kept.Lease = time.Millisecond
	err := s.(driver.Keeper).Keep(t.Context(), kept)
	if err != nil {
		requests.GiveBack(t, s, r)
	}
	return err
}

// administrators returns the SQL that an error has for an administrator.
func administrators(t *testing.T, err error) string {
	t.Helper()
	text := err.Error()
	i := strings.Index(text, "\n")
	if i < 0 || !strings.Contains(text, "create schema") {
		t.Fatalf("there is no SQL for an administrator: %v", err)
	}
	return text[i+1:]
}

// What the documents say: LOGIN and CONNECT for locks; the tables, made by an
// administrator, for the rest.
func TestARoleThatMayOnlyConnectLocksWaitsAndFences(t *testing.T) {
	srv, admin := granting(t, "app")
	u := as(srv.url(), "app")
	one, two := openApart(t, u), openApart(t, u)
	locksAndWaits(t, one, two)
	var sql string
	refused := func(when string) {
		t.Helper()
		for name, err := range inspections(t, one, requests.Ask("k", 30*time.Second)) {
			if !errors.Is(err, driver.ErrUnsupported) {
				t.Errorf("%s, %s: %v, want ErrUnsupported", when, name, err)
				continue
			}
			sql = administrators(t, err)
			silent(t, err)
		}
	}
	refused("without tables")
	run(t, admin, sql) // what the error says
	refused("without rights on the tables")
	locksAndWaits(t, one, two)
	for _, table := range []string{"kept", "held", "told"} {
		run(t, admin, "grant select, insert, update, delete on concurrent."+table+" to app")
	}
	r := requests.Ask("k", 30*time.Second)
	requests.Take(t, one, r)
	for name, err := range inspections(t, one, r) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := requests.Ask("k", 30*time.Second)
	requests.Take(t, two, other)
	if info, err := one.(driver.Inspector).Inspect(t.Context(), "k"); err != nil || len(info.Holders) != 1 || info.Holders[0].Holder.Label != "test" {
		t.Errorf("Inspect of what another process holds: %+v, %v", info, err)
	}
	if _, err := one.(driver.Inspector).Break(t.Context(), "k"); err != nil {
		t.Errorf("Break of what another process holds: %v", err)
	}
	locksAndWaits(t, one, two)
}

// A role that does not see which keys are kept would take them.
func TestARoleThatMayNotSeeWhatIsKeptIsUnfit(t *testing.T) {
	srv, admin := granting(t, "app", "blind")
	owner := open(t, srv.url())
	requests.Take(t, owner, requests.Ask("k", 30*time.Second))
	check(t, second(owner.(driver.Inspector).Inspect(t.Context(), "k"))) // which makes the tables
	requests.Take(t, openApart(t, as(srv.url(), "blind")), requests.Ask("sees", 30*time.Second))
	run(t, admin, "revoke select (lock, mode, slot, until) on concurrent.kept from public")
	refuses(t, as(srv.url(), "blind"), driver.ErrUnfit, "grant select on concurrent.kept")
	run(t, admin, "grant select on concurrent.kept to blind")
	requests.Take(t, openApart(t, as(srv.url(), "blind")), requests.Ask("sees now", 30*time.Second))
	run(t, admin, "revoke usage on schema concurrent from public")
	refuses(t, as(srv.url(), "app"), driver.ErrUnfit, "grant usage on schema concurrent")
}

// Break ends the session of a process that does not answer, if its role may.
func TestBreakingTheLockOfAnotherRolesFrozenProcessTakesARight(t *testing.T) {
	t.Parallel()
	srv, admin := granting(t, "app", "breaker")
	run(t, admin, "grant create on database postgres to app")
	p := process.Start(t, "holder", plain(srv.url(), "app").String(), "k")
	p.HearsNumber()
	app := openApart(t, as(srv.url(), "app"))
	check(t, second(app.(driver.Inspector).Inspect(t.Context(), "k"))) // which makes the tables
	for _, table := range []string{"kept", "held", "told"} {
		run(t, admin, "grant select, insert, update, delete on concurrent."+table+" to breaker")
	}
	p.Freeze()
	s := openApart(t, as(srv.url(), "breaker"))
	_, err := s.(driver.Inspector).Break(t.Context(), "k")
	if !errors.Is(err, driver.ErrUnsupported) || !strings.Contains(err.Error(), "pg_signal_backend") {
		t.Errorf("Break without the right: %v, want ErrUnsupported that names pg_signal_backend", err)
	}
	run(t, admin, "grant pg_signal_backend to breaker")
	info, err := s.(driver.Inspector).Break(t.Context(), "k")
	if err != nil || len(info.Holders) != 1 {
		t.Errorf("Break with the right: %+v, %v", info, err)
	}
	again(t, s, requests.Ask("k", 30*time.Second))
}

// plain is u by somebody, without a password.
func plain(u *url.URL, name string) *url.URL {
	changed := *u
	changed.User = url.User(name)
	return &changed
}
