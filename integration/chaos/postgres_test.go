package chaos

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	_ "github.com/concurrent-go/concurrent/drivers/postgres"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// postgres's leases are as long as the server can tell: it ends a silent session
// after two seconds at the earliest. All are of one class, and so on one session,
// which lasts as long in silence as the shortest of them.
var postgres = Harness{
	Name: "postgres", Lease: 3 * time.Second, Shortest: 2 * time.Second, Silence: 2 * time.Second,
	Start: func(t testing.TB, _ uint64) *Place { return startPostgres(t) },
}

// startPostgres has every second process reach the server by a bad network.
//
// A session that ends takes its locks with it at once, and its process hears of
// that a moment later: whatever ends sessions breaks the store's promise.
func startPostgres(t testing.TB) *Place {
	server := servers.NewPostgres(t, "postgres")
	link := server.Link(t)
	return &Place{
		URL: func(n int) string {
			if n%2 == 0 {
				return link.URL
			}
			return server.URL
		},
		Version: server.Kind,
		Faults: append(breaking(network(link), "reset in mid-reply", "connections dropped"),
			paused(server),
			Fault{Name: "server killed", On: "server", Breaks: true, Begin: server.Kill, End: server.Restart},
			Fault{Name: "server stopped", On: "server", Breaks: true, Begin: server.Stop, End: server.Restart},
			Fault{Name: "server restarted", On: "server", Breaks: true, Begin: server.Restart},
			Fault{Name: "pg_terminate_backend", On: "server", Breaks: true, Begin: func() error { return terminate(server.URL) }},
		),
	}
}

// terminate ends every session but its own, and returns when they are gone.
func terminate(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `select pg_terminate_backend(pid, 10000) from pg_stat_activity
		where backend_type = 'client backend' and pid <> pg_backend_pid()`)
	return err
}

// breaking says of some faults that they break the store's promise.
func breaking(faults []Fault, names ...string) []Fault {
	for i := range faults {
		for _, name := range names {
			faults[i].Breaks = faults[i].Breaks || faults[i].Name == name
		}
	}
	return faults
}
