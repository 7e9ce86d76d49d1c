package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// A fence sees that tokens grow.
type fence struct {
	t    *testing.T
	last uint64
}

func (f *fence) next(g driver.Grant, what string) {
	f.t.Helper()
	if g.Token <= f.last {
		f.t.Errorf("%s: token %d after %d", what, g.Token, f.last)
	}
	f.last = g.Token + uint64(g.Spare)
}

// again takes a key as soon as the server can be had again.
func again(t *testing.T, s driver.Store, r driver.Request) driver.Grant {
	t.Helper()
	var g driver.Grant
	requests.Soon(t, "the server grants again", func() (granted bool) {
		var err error
		g, err = s.TryAcquire(t.Context(), r)
		return err == nil
	})
	return g
}

// Row 29: the token that was given last is not given again, although the server
// was killed right after, and had nothing else to write.
func TestTokensGrowThoughTheServerIsKilledRightAfterAGrant(t *testing.T) {
	t.Parallel()
	srv := start(t)
	s := open(t, srv.url())
	f := fence{t: t}
	modes := []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3)}
	for i := range 20 {
		for j := range i % 3 {
			r := requests.In(modes[(i+j)%3], requests.Ask("k", 30*time.Second))
			f.next(again(t, s, r), "before the crash")
			requests.GiveBack(t, s, r)
		}
		last := again(t, s, requests.In(modes[i%3], requests.Ask("k", 30*time.Second)))
		check(t, srv.Restart())
		f.next(last, "before the crash")
		r := requests.Ask("k", 30*time.Second)
		f.next(again(t, s, r), fmt.Sprint("after crash ", i))
		requests.GiveBack(t, s, r)
	}
}

// Rows 30 and 31: a standby is refused until it is promoted. What it grants then
// is above all that the old primary ever grants, which goes on.
func TestTokensOfAPromotedStandbyAreAboveThoseOfTheOldPrimary(t *testing.T) {
	t.Parallel()
	version := servers.Versions(t, "postgres")[0]
	old := launch(t, version)
	standby := &server{servers.NewStandby(t, version, old.Server), t}
	if _, err := openURL(t.Context(), as(standby.url(), "test")); !errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), "standby") {
		t.Fatalf("Open of a standby: %v, want ErrUnfit that says so", err)
	}
	both := with(with(old.url(), "host", "127.0.0.1,127.0.0.1"), "port", standby.url().Port()+","+old.url().Port())
	both.Host = ""
	s := open(t, both) // the primary of both
	before := fence{t: t}
	for i := range 5 {
		before.next(requests.Take(t, s, requests.Ask(fmt.Sprint("k", i), 30*time.Second)), "on the primary")
	}
	if number(t, standby.admin(), "select pg_promote(true, 60)::int::int8") != 1 {
		t.Fatal("the standby was not promoted")
	}
	promoted := openApart(t, standby.url())
	first := requests.Take(t, promoted, requests.Ask("k", 30*time.Second))
	churn(t, old.admin())
	for range 20 {
		r := requests.Ask("k", 30*time.Second)
		before.next(requests.Take(t, s, r), "on the old primary")
		requests.GiveBack(t, s, r)
	}
	if before.last >= first.Token {
		t.Errorf("the old primary gave %d, the new one %d before", before.last, first.Token)
	}
}

// churn has a server use up many transactions.
func churn(t *testing.T, c *pgx.Conn) {
	t.Helper()
	_, err := c.Exec(t.Context(), "do $$ begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$")
	check(t, err)
}

func TestWithoutFencingThereAreNoTokens(t *testing.T) {
	srv := start(t)
	s := open(t, with(srv.url(), "fencing", "off"))
	if s.Features().Fencing {
		t.Error("it says that it gives tokens")
	}
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3)} {
		if g := requests.Take(t, s, requests.In(mode, requests.Ask(mode.String(), 30*time.Second))); g.Token != 0 || g.Spare != 0 {
			t.Errorf("mode %v: token %d and %d spare ones, want none", mode, g.Token, g.Spare)
		}
	}
}
