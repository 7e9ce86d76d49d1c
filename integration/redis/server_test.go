package redis

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	driverredis "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// A server is one of the test's own, of which it can do anything.
type server struct {
	*servers.Server
	t    *testing.T
	port string
}

// start starts a server with more arguments.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return launch(t, "redis", servers.Args(args...))
}

func launch(t *testing.T, version string, options ...servers.Option) *server {
	t.Helper()
	s := &server{Server: servers.NewRedis(t, version, options...), t: t}
	_, port, err := net.SplitHostPort(s.Addr())
	check(t, err)
	s.port = port
	return s
}

// startSentinel starts a Sentinel, with what it is to watch.
func startSentinel(t *testing.T, lines ...string) *server {
	t.Helper()
	const conf = "sentinel.conf"
	return launch(t, "redis", servers.File(conf, strings.Join(lines, "\n")+"\n"), servers.Args(conf, "--sentinel"))
}

// freePort is one where nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (s *server) addr() string { return s.Addr() }

func (s *server) url() string { return "redis://" + s.Addr() }

func (s *server) kill() {
	s.t.Helper()
	check(s.t, s.Kill())
}

func (s *server) pause() {
	s.t.Helper()
	check(s.t, s.Pause())
}

func (s *server) resume() {
	s.t.Helper()
	check(s.t, s.Resume())
}

func (s *server) restart() {
	s.t.Helper()
	check(s.t, s.Restart())
}

// admin returns a client that sees all that the server does.
func (s *server) admin() *redis.Client { return admin(s.t, s.addr()) }

func admin(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// open opens a store, which is closed at the end.
func open(t *testing.T, raw string) driver.Store {
	t.Helper()
	s, err := openURL(t.Context(), raw)
	if err != nil {
		t.Fatalf("Open(%s): %v", raw, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func openURL(ctx context.Context, raw string) (driver.Store, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	c, err := driverredis.Driver{}.Connector(u)
	if err != nil {
		return nil, err
	}
	return c.Open(ctx)
}

// warm has the server know the scripts: the first call of each is answered that
// it does not, and a test that withholds replies would withhold that one.
func warm(t *testing.T, s driver.Store) {
	t.Helper()
	r := requests.Ask("warm", time.Minute)
	requests.Take(t, s, r)
	if _, err := s.Extend(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	requests.GiveBack(t, s, r)
}
