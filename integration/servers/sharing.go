package servers

import (
	"os"
	"strings"
	"sync"
	"testing"
)

// Redis returns a Redis or Valkey server that all tests of the binary share, of
// no certain version: who stops it stops them all. One that was started here has
// 10,000 databases, for tests to have one each.
func Redis(t testing.TB) *Server {
	t.Helper()
	return Shared(t, "redis")
}

// Postgres returns a PostgreSQL server that all tests of the binary share, of no
// certain version, with a role that may do everything.
func Postgres(t testing.TB) *Server {
	t.Helper()
	return Shared(t, "postgres")
}

var (
	sharing sync.Mutex
	shared  = make(map[string]*sharedServer)
)

type sharedServer struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns the server of a version ("redis 7.0", see [Versions]) that all
// tests of the binary share. The test fails if there can't be one.
func Shared(t testing.TB, version string) *Server {
	t.Helper()
	sharing.Lock()
	s := shared[version]
	if s == nil {
		s = new(sharedServer)
		shared[version] = s
	}
	sharing.Unlock()
	s.once.Do(func() { s.server, s.err = share(t, version) })
	if s.err != nil {
		t.Fatalf("servers: no %s: %v", version, s.err)
	}
	return s.server
}

func share(t testing.TB, version string) (*Server, error) {
	if m := makers[version]; m != nil && os.Getenv(m.variable) != "" {
		return m.given()
	}
	server, err := start(t, version, nil)
	if err == nil {
		started(server)
	}
	return server, err
}

// given is the server that the environment names.
func (m *maker) given() (*Server, error) {
	s := &Server{URL: os.Getenv(m.variable), Kind: "the one at " + m.variable, ping: m.ping}
	announce(m.name, s.Kind)
	return s, s.answering()
}

// Versions returns the versions of a server, "redis" or "postgres", that tests
// of all versions go through with [Shared], [NewRedis] and [NewPostgres]: those
// that there are images of, where an engine answers, else those of the programs
// that are here. Where the environment names a server it is that one, for
// Shared.
func Versions(t testing.TB, name string) []string {
	t.Helper()
	m := makers[name]
	if os.Getenv(m.variable) != "" {
		return []string{name}
	}
	versions, err := m.versions(t)
	if err != nil {
		t.Fatalf("servers: no %s: %v", name, err)
	}
	return versions
}

// product is the name without the number: "redis" of "valkey 8.1".
func product(version string) string {
	name, _, _ := strings.Cut(version, " ")
	if name == "valkey" {
		return "redis"
	}
	return name
}
