package bench

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// version asks a server for its own.
func version(t *testing.T, store, address string) string {
	t.Helper()
	ctx := t.Context()
	switch store {
	case "redis":
		c, err := goRedis(address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		info, err := c.InfoMap(ctx, "server").Result()
		if err != nil {
			t.Fatal(err)
		}
		return info["Server"]["redis_version"]
	case "postgres":
		c, err := pgx.Connect(ctx, address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(ctx) }()
		return c.PgConn().ParameterStatus("server_version")
	}
	return ""
}

// addresses are where one store is reached.
type addresses struct {
	store   *store
	server  *servers.Server
	own     bool // started for this suite, which may change it
	address string
	made    map[string]bool // databases

	commands *counter // nil: nobody counts them
}

// of is an address for a contender, with a latency added to each request's way
// there.
func (a *addresses) of(t *testing.T, contender string, latency time.Duration) string {
	t.Helper()
	address := a.address
	if latency > 0 {
		link := a.server.Link(t)
		link.Latency(latency)
		address = link.URL
	}
	if a.store.name == "postgres" && *at == "" {
		return a.database(t, address, contender)
	}
	return address
}

// database gives each contender a database of its own: PostgreSQL wakes all
// sessions that listen in one for each message, also those of a contender whose
// turn it is not.
func (a *addresses) database(t *testing.T, address, contender string) string {
	t.Helper()
	name := strings.NewReplacer(" ", "_", "/", "_", "=", "_").Replace("bench " + contender)
	if !a.made[name] {
		c, err := pgx.Connect(t.Context(), a.address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(t.Context()) }()
		if _, err := c.Exec(t.Context(), "drop database if exists "+name+" with (force)"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "create database "+name); err != nil {
			t.Fatal(err)
		}
		if a.made == nil {
			a.made = map[string]bool{}
		}
		a.made[name] = true
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func (a *addresses) start(t *testing.T) string {
	t.Helper()
	switch {
	case *at != "":
		return *at
	case a.store.name == "memory":
		return "memory://"
	case a.store.name == "file":
		return "file://" + t.TempDir()
	case a.store.name == "redis":
		a.own = os.Getenv("CONCURRENT_TEST_REDIS_URL") == ""
		a.server = servers.Redis(t)
	case os.Getenv("CONCURRENT_TEST_POSTGRES_URL") != "":
		a.server = servers.Postgres(t)
	default: // with room for pools of everybody
		a.own = true
		args := append([]string{"-c", "max_connections=400"}, statementsArgs...)
		a.server = servers.NewPostgres(t, "postgres", servers.Args(args...))
	}
	return a.server.URL
}
