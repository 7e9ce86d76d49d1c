package servers

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { Main(m) }

// kinds are those that can be had here.
func kinds(t *testing.T) []string {
	t.Helper()
	if _, err := findEngine(); err != nil {
		return []string{"program"}
	}
	return []string{"container", "program"}
}

// of has new servers be of a kind, until the test ends.
func of(t *testing.T, kind string) { t.Setenv(kindVariable, kind) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, raw string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(raw)
	check(t, err)
	options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A store is a server with something to keep.
type store struct {
	server *Server
	write  func(ctx context.Context, value string) error
	read   func(ctx context.Context) (string, error)
}

func redisStore(t *testing.T) store {
	s := NewRedis(t, "redis", Args("--appendonly", "yes", "--appendfsync", "always"))
	c := dial(t, s.URL)
	return store{
		s,
		func(ctx context.Context, value string) error { return c.Set(ctx, "k", value, 0).Err() },
		func(ctx context.Context) (string, error) { return c.Get(ctx, "k").Result() },
	}
}

func postgresStore(t *testing.T) store {
	s := NewPostgres(t, "postgres")
	do := func(ctx context.Context, f func(*pgx.Conn) error) error {
		c, err := pgx.Connect(ctx, s.URL)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
		return f(c)
	}
	return store{
		s,
		func(ctx context.Context, value string) error {
			return do(ctx, func(c *pgx.Conn) error {
				_, err := c.Exec(ctx, `create table if not exists kept (value text); delete from kept; insert into kept values ('`+value+`')`)
				return err
			})
		},
		func(ctx context.Context) (value string, err error) {
			err = do(ctx, func(c *pgx.Conn) error { return c.QueryRow(ctx, `select value from kept`).Scan(&value) })
			return value, err
		},
	}
}

// Each control does what it says, on each server, in each kind that is here.
func TestControls(t *testing.T) {
	for _, kind := range kinds(t) {
		for name, make := range map[string]func(*testing.T) store{"redis": redisStore, "postgres": postgresStore} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				of(t, kind)
				s := make(t)
				check(t, s.write(t.Context(), "before"))
				pauses(t, s)
				ends(t, s, (*Server).Kill)
				ends(t, s, (*Server).Stop)
				check(t, s.server.Pause())
				ends(t, s, (*Server).Kill) // also while it is paused
			})
		}
	}
}

func pauses(t *testing.T, s store) {
	t.Helper()
	check(t, s.server.Pause())
	if _, err := s.read(within(t, 300*time.Millisecond)); err == nil {
		t.Error("a paused server answers")
	}
	check(t, s.server.Resume())
	check(t, s.server.Resume()) // once more does no harm
	if value, err := s.read(within(t, 20*time.Second)); value != "before" {
		t.Errorf("resumed, it says %q, %v", value, err)
	}
}

func ends(t *testing.T, s store, end func(*Server) error) {
	t.Helper()
	check(t, end(s.server))
	check(t, end(s.server)) // once more does no harm
	if c, err := net.DialTimeout("tcp", s.server.Addr(), time.Second); err == nil {
		_ = c.Close()
		t.Error("somebody listens where a server was ended")
	}
	check(t, s.server.Restart())
	if value, err := s.read(within(t, 20*time.Second)); value != "before" {
		t.Errorf("after a restart at the same address it says %q, %v", value, err)
	}
	check(t, s.server.Restart()) // one that runs, too
	if value, err := s.read(within(t, 20*time.Second)); value != "before" {
		t.Errorf("after a second restart it says %q, %v", value, err)
	}
}

// A server that is stopped says a last word, which one that is killed can't.
func TestAServerThatIsStoppedTellsItsSessions(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			of(t, kind)
			server := NewPostgres(t, "postgres")
			conn, err := pgx.Connect(t.Context(), server.URL)
			check(t, err)
			check(t, server.Stop())
			_, err = conn.Exec(t.Context(), "select 1")
			if said, ok := errors.AsType[*pgconn.PgError](err); !ok || said.Code != "57P01" {
				t.Errorf("its session ended with %v, want admin_shutdown (57P01)", err)
			}
		})
	}
}

// Each version is what it says it is.
func TestVersions(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			of(t, kind)
			for _, version := range Versions(t, "redis") {
				info, err := dial(t, NewRedis(t, version).URL).Info(t.Context(), "server").Result()
				name, number, _ := strings.Cut(version, " ")
				if err != nil || !strings.Contains(info, name+"_version:"+number+".") {
					t.Errorf("%s is not: %v %s", version, err, info)
				}
			}
			for _, version := range Versions(t, "postgres") {
				c, err := pgx.Connect(t.Context(), NewPostgres(t, version).URL)
				check(t, err)
				var says string
				err = c.QueryRow(t.Context(), `show server_version`).Scan(&says)
				_, number, _ := strings.Cut(version, " ")
				if err != nil || !strings.HasPrefix(says, number+".") {
					t.Errorf("%s is %s, %v", version, says, err)
				}
				check(t, c.Close(t.Context()))
			}
		})
	}
}

// A server works in its folder, with the files that it was given.
func TestFilesAndArguments(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			of(t, kind)
			s := NewRedis(t, "redis", File("users.acl", "user default on nopass ~* &* +@all\nuser one on >pw +ping\n"), Args("--aclfile", "users.acl"))
			c := dial(t, strings.Replace(s.URL, "://", "://one:pw@", 1))
			check(t, c.Ping(t.Context()).Err())
			if err := c.Get(t.Context(), "k").Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
				t.Errorf("GET by one who may not: %v", err)
			}
		})
	}
}

// A pool is one: a session's own things are no more after a transaction.
func TestPgBouncer(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			of(t, kind)
			pool := NewPgBouncer(t, NewPostgres(t, "postgres"), "pool_mode = transaction", "default_pool_size = 1")
			var pids [2]int
			for i := range pids {
				c, err := pgx.Connect(t.Context(), pool.URL)
				check(t, err)
				defer func() { _ = c.Close(t.Context()) }()
				check(t, c.QueryRow(t.Context(), `select pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).Scan(&pids[i]))
			}
			if pids[0] != pids[1] {
				t.Errorf("two clients of a pool of one have the backends %v", pids)
			}
		})
	}
}

// What can't be had is an error that says what is missing.
func TestNoSuchServer(t *testing.T) {
	for _, kind := range kinds(t) {
		of(t, kind)
		for _, version := range []string{"redis 1.0", "postgres 1", "nothing 1.0"} {
			if s, err := start(t, version, nil); err == nil {
				t.Errorf("%s as a %s: %s", version, kind, s.Kind)
			}
		}
	}
}

// A server that says at once why it can't run has its words in the error.
func TestAServerThatDoesNotStart(t *testing.T) {
	for _, kind := range kinds(t) {
		of(t, kind)
		temp := t.TempDir() // whatever others do in the usual place
		t.Setenv("TMPDIR", temp)
		_, err := start(t, "redis", []Option{Args("--no-such-directive", "1")})
		if err == nil || !strings.Contains(err.Error(), "no-such-directive") {
			t.Errorf("as a %s: %v", kind, err)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("as a %s it leaves %v, %v", kind, left, err)
		}
	}
}

func hurry(t *testing.T) {
	before := patience
	patience = 2 * time.Second
	t.Cleanup(func() { patience = before })
}

// An address from the environment comes first, and one that nobody answers at
// is an error, not a reason to look elsewhere.
func TestAddressFromTheEnvironment(t *testing.T) {
	s := NewRedis(t, "redis")
	t.Setenv(redisMaker.variable, s.URL)
	given, err := redisMaker.given()
	check(t, err)
	if given.URL != s.URL || given.Addr() != s.Addr() {
		t.Errorf("%s, want %s", given.URL, s.URL)
	}
	if err := given.Kill(); err == nil {
		t.Error("somebody else's server was killed")
	}
	if versions := Versions(t, "redis"); len(versions) != 1 || versions[0] != "redis" {
		t.Errorf("versions: %v", versions)
	}
	hurry(t)
	t.Setenv(redisMaker.variable, "redis://user:s3cret@[bad")
	_, err = redisMaker.given()
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), redisMaker.variable) {
		t.Errorf("%v", err)
	}
}
