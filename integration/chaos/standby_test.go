package chaos

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// promoted is a Postgres whose standby takes over without what it was not told.
var promoted = Harness{
	Name: "postgres with a standby", Lease: 3 * time.Second, Shortest: 2 * time.Second, Silence: 2 * time.Second,
	Start: func(t testing.TB, _ uint64) *Place { return startPromoted(t) },
}

// A couple is a primary and its standby, each behind an address that stays.
type couple struct {
	t                testing.TB
	version          string
	primary, standby member
	ahead, behind    *servers.Link // to the primary, and to the standby
}

// A member is a server that may end before its test.
type member struct {
	*servers.Server

	remove func()
}

// member makes one.
func (c *couple) member(start func(testing.TB) *servers.Server) member {
	l := &life{TB: c.t}
	c.t.Cleanup(l.end)
	return member{start(l), l.end}
}

// A life is a part of a test's: it ends what was made in it.
type life struct {
	testing.TB

	ends []func()
}

// Cleanup is part of [testing.TB].
func (l *life) Cleanup(f func()) { l.ends = append(l.ends, f) }

func (l *life) end() {
	for _, f := range slices.Backward(l.ends) {
		f()
	}
	l.ends = nil
}

func startPromoted(t testing.TB) *Place {
	c := &couple{t: t, version: servers.Versions(t, "postgres")[0]}
	c.primary = c.member(func(t testing.TB) *servers.Server { return servers.NewPostgres(t, c.version) })
	c.standby = c.follower()
	c.ahead, c.behind = c.primary.Link(t), c.standby.Link(t)
	u, err := url.Parse(c.primary.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for _, l := range []*servers.Link{c.behind, c.ahead} {
		host, port, _ := net.SplitHostPort(l.Addr)
		query.Set("host", join(query.Get("host"), host))
		query.Set("port", join(query.Get("port"), port))
	}
	u.Host, u.RawQuery = "", query.Encode()
	return &Place{
		URL:     func(int) string { return u.String() },
		Version: c.primary.Kind,
		Faults: []Fault{
			{Name: "standby promoted", On: "server", Breaks: true, Begin: c.promote, After: c.follow},
			{Name: "standby promoted, primary paused before", On: "server", Breaks: true, Begin: c.freeze, End: c.promote, After: c.follow},
			{Name: "pg_terminate_backend", On: "server", Breaks: true, Begin: func() error { return terminate(c.primary.URL) }},
		},
	}
}

func join(list, more string) string {
	if list == "" {
		return more
	}
	return list + "," + more
}

// freeze has the primary answer nobody.
func (c *couple) freeze() error { return pause(c.primary.Server) }

// promote has the primary die and the standby take its place. The dead one's port
// may be somebody else's soon.
func (c *couple) promote() error {
	if err := c.primary.Kill(); err != nil {
		return err
	}
	c.ahead.Lead(nil)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.standby.URL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var done bool
	if err := conn.QueryRow(ctx, "select pg_promote(true, 60)").Scan(&done); err != nil || !done {
		return fmt.Errorf("the standby is not promoted: %w", err)
	}
	c.primary, c.standby = c.standby, c.primary
	c.ahead, c.behind = c.behind, c.ahead
	return nil
}

// follow replaces the primary that died by a standby of the one there is. It takes
// some seconds, for which nothing is broken.
func (c *couple) follow() error {
	c.standby.remove() // it would fill the disk
	c.standby = c.follower()
	c.behind.Lead(c.standby.Server)
	return nil
}

func (c *couple) follower() member {
	return c.member(func(t testing.TB) *servers.Server { return servers.NewStandby(t, c.version, c.primary.Server) })
}
