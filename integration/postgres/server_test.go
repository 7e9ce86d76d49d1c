package postgres

import (
	"context"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
	driverpostgres "github.com/concurrent-go/concurrent/drivers/postgres"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// A server is one of the test's own, of which it can do anything.
type server struct {
	*servers.Server
	t *testing.T
}

// start starts a server with settings ("max_connections=20").
func start(t *testing.T, settings ...string) *server {
	t.Helper()
	return launch(t, "postgres", settings...)
}

func launch(t *testing.T, version string, settings ...string) *server {
	t.Helper()
	var args []string
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return &server{servers.NewPostgres(t, version, servers.Args(args...)), t}
}

func (s *server) url() *url.URL {
	s.t.Helper()
	u, err := url.Parse(s.URL)
	check(s.t, err)
	return u
}

// admin returns a connection that may do everything.
func (s *server) admin() *pgx.Conn {
	s.t.Helper()
	return connect(s.t, s.URL)
}

func connect(t *testing.T, raw string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), raw)
	check(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx) // the test may have killed its server
	})
	return c
}

// number asks for one number.
func number(t *testing.T, c *pgx.Conn, query string, args ...any) int64 {
	t.Helper()
	var n int64
	check(t, c.QueryRow(t.Context(), query, args...).Scan(&n))
	return n
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a store, which is closed at the end.
func open(t *testing.T, u *url.URL) driver.Store {
	t.Helper()
	s, err := openURL(t.Context(), u)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

var apart atomic.Int64

// openApart opens a store that shares no session with others of this process, as
// if it were another's.
func openApart(t *testing.T, u *url.URL) driver.Store {
	t.Helper()
	return open(t, with(u, "application_name", fmt.Sprint("apart ", apart.Add(1))))
}

func openURL(ctx context.Context, u *url.URL) (driver.Store, error) {
	c, err := driverpostgres.Driver{}.Connector(u)
	if err != nil {
		return nil, err
	}
	return c.Open(ctx)
}

// A loss is one that a store told of, and when.
type loss struct {
	driver.Loss

	at time.Time
}

// losses are those that a store tells of from now on.
func losses(t *testing.T, s driver.Store) <-chan loss {
	t.Helper()
	heard := make(chan loss, 10_000)
	t.Cleanup(s.(driver.Notifier).NotifyLost(func(l driver.Loss) { heard <- loss{l, time.Now()} }))
	return heard
}

// next is the next loss, which must come soon.
func next(t *testing.T, heard <-chan loss) loss {
	t.Helper()
	select {
	case l := <-heard:
		if l.Err == nil {
			t.Errorf("the loss of %s has no cause", l.Key)
		}
		return l
	case <-time.After(20 * time.Second):
		t.Fatal("no loss was told")
	}
	return loss{}
}
