package chaos

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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
			idle(server.URL, 200*time.Millisecond), // the driver's sessions speak every two thirds of a second at least
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
	_, err = conn.Exec(ctx, ending)
	return err
}

const ending = `select pg_terminate_backend(pid, 10000) from pg_stat_activity
	where backend_type = 'client backend' and pid <> pg_backend_pid()`

// idle is an administrator's job that ends each session that says nothing for that
// long. No setting from outside does it: the driver's sessions set idle_session_timeout
// themselves, which counts more than ALTER SYSTEM, DATABASE and ROLE. What they set
// ends those of processes that are frozen or cut off.
func idle(url string, most time.Duration) Fault {
	var stop context.CancelFunc
	done := make(chan error, 1)
	return Fault{
		Name: "idle timeout", On: "server", Breaks: true,
		Begin: func() error {
			var ctx context.Context
			ctx, stop = context.WithCancel(context.Background())
			go func() { done <- endIdle(ctx, url, most) }()
			return nil
		},
		End: func() error {
			stop()
			return <-done
		},
	}
}

// endIdle ends the sessions that are idle for most, until ctx ends. The last of
// them is gone when it returns.
func endIdle(ctx context.Context, url string, most time.Duration) error {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	conn, err := pgx.Connect(whole, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(whole) }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(most / 5):
		}
		if _, err := conn.Exec(whole, ending+" and state = 'idle' and state_change < now() - $1::interval", most); err != nil {
			return err
		}
	}
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

func TestAnIdleTimeoutEndsWhoSaysNothing(t *testing.T) {
	t.Parallel()
	server := servers.NewPostgres(t, "postgres")
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), server.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	// heard is how a session ends that says nothing.
	heard := func(conn *pgx.Conn, within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := conn.WaitForNotification(ctx)
		return err
	}
	busy, silent := connect(), connect()
	done := make(chan error, 1)
	go func() {
		_, err := busy.Exec(context.WithoutCancel(t.Context()), "select pg_sleep(3)")
		done <- err
	}()
	fault := idle(server.URL, time.Second)
	if err := fault.Begin(); err != nil {
		t.Fatal(err)
	}
	err := heard(silent, patience)
	if said, ok := errors.AsType[*pgconn.PgError](err); !ok || said.Code != "57P01" {
		t.Errorf("a silent session ended with %v, want the server's last word", err)
	}
	if err := <-done; err != nil {
		t.Errorf("a session that was at work was ended: %v", err)
	}
	if err := fault.End(); err != nil {
		t.Fatal(err)
	}
	if err := heard(connect(), 2*time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its end a silent session ended with %v", err)
	}
}
