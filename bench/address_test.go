package bench

import (
	"os"
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
	address string
}

// of is an address with a latency added to each request's way there.
func (a *addresses) of(t *testing.T, latency time.Duration) string {
	t.Helper()
	if a.address == "" {
		a.address = a.start(t)
	}
	if latency == 0 {
		return a.address
	}
	link := a.server.Link(t)
	link.Latency(latency)
	return link.URL
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
		a.server = servers.Redis(t)
	case os.Getenv("CONCURRENT_TEST_POSTGRES_URL") != "":
		a.server = servers.Postgres(t)
	default: // with room for pools of everybody
		a.server = servers.NewPostgres(t, "postgres", servers.Args("-c", "max_connections=400"))
	}
	return a.server.URL
}
