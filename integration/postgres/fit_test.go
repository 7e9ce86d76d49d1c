package postgres

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	driverpostgres "github.com/concurrent-go/concurrent/drivers/postgres"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

const secret = "s3cret-passw0rd"

// as is u by somebody, with the password that must not be seen.
func as(u *url.URL, name string) *url.URL {
	changed := *u
	changed.User = url.UserPassword(name, secret)
	return &changed
}

// to is u of another database.
func to(u *url.URL, database string) *url.URL {
	changed := *u
	changed.Path = "/" + database
	return &changed
}

// refuses opens a URL that is to be refused.
func refuses(t *testing.T, u *url.URL, want error, says string) {
	t.Helper()
	requests.Clean(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := openURL(ctx, u)
	if err == nil {
		_ = s.Close()
		t.Fatalf("%s was opened, want %v", u.Redacted(), want)
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %v with %q", u.Redacted(), err, want, says)
	}
	silent(t, err)
}

// silent checks that an error does not show the password.
func silent(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("%q shows the password", err)
	}
}

func TestAWrongAddressIsUnavailable(t *testing.T) {
	for _, address := range []string{"127.0.0.1:1/postgres?", "no-such-host.invalid/postgres?", "/postgres?host=/nowhere&"} {
		u, err := url.Parse("postgres://user:" + secret + "@" + address + "sslmode=disable")
		check(t, err)
		refuses(t, u, driver.ErrUnavailable, "nothing answers there")
	}
}

// strict has a server ask everybody but its owner for a password.
func strict(t *testing.T, srv *server) {
	t.Helper()
	admin := srv.admin()
	_, err := admin.Exec(t.Context(), `do $$ begin execute format(
		'copy (values (''host all test all trust''), (''host all refused all reject''), (''host all all all scram-sha-256'')) to %L',
		current_setting('hba_file')); end $$`)
	check(t, err)
	_, err = admin.Exec(t.Context(), "select pg_reload_conf()")
	check(t, err)
	requests.Soon(t, "the server has read its rules", func() bool {
		return number(t, admin, "select count(*) from pg_hba_file_rules") == 3
	})
}

func TestWhomTheServerRefusesIsToldWhy(t *testing.T) {
	srv := start(t)
	_, err := srv.admin().Exec(t.Context(), "create role locker login password 'right'")
	check(t, err)
	strict(t, srv)
	requests.Soon(t, "the rules hold", func() bool { // for sessions to come, soon after they were read
		_, err := openURL(t.Context(), as(srv.url(), "refused"))
		return err != nil && strings.Contains(err.Error(), "pg_hba.conf")
	})
	refuses(t, as(srv.url(), "locker"), driver.ErrUnavailable, "user or the password")
	refuses(t, as(srv.url(), "nobody"), driver.ErrUnavailable, "user or the password")
	refuses(t, as(srv.url(), "refused"), driver.ErrUnavailable, "pg_hba.conf")
	refuses(t, to(as(srv.url(), "test"), "missing"), driver.ErrUnavailable, "no such database")
	right := srv.url()
	right.User = url.UserPassword("locker", "right")
	requests.Take(t, open(t, right), requests.Ask("k", time.Minute))
}

func TestTLSWhereThereIsNoneIsUnavailable(t *testing.T) {
	srv := start(t)
	refuses(t, with(as(srv.url(), "test"), "sslmode", "require"), driver.ErrUnavailable, "TLS")
}

func TestAMisspeltParameterIsNamed(t *testing.T) {
	u := as((&server{servers.Postgres(t), t}).url(), "test")
	for name, says := range map[string]string{
		"shema": `did you mean "schema"`, "fensing": `did you mean "fencing"`, "sslmod": `did you mean "sslmode"`,
		"idle_session_timeout": "the driver sets it", "pool_max_conns": "no pool", "frobnicate": "is unknown",
	} {
		_, err := driverpostgres.Driver{}.Connector(with(u, name, "x"))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), name) {
			t.Errorf("the parameter %s: %v, want an error with %s", name, err, says)
		}
		silent(t, err)
	}
}

// Row 32: what a proxy gives to whoever comes next.
func TestAProxyThatSharesSessionsIsUnfit(t *testing.T) {
	srv := start(t)
	// Sessions get the setting that a proxy keeps from them: what is left is
	// that another process of the server answers than the one that was promised.
	run(t, srv.admin(), "alter role test set idle_session_timeout = '8s'")
	for _, mode := range []string{"transaction", "statement", "session"} {
		for _, ignores := range []string{"", "ignore_startup_parameters = " + strings.Join(startupParameters, ",")} {
			proxy := &server{servers.NewPgBouncer(t, srv.Server, "pool_mode="+mode, ignores), t}
			refuses(t, as(proxy.url(), "test"), driver.ErrUnfit, "proxy")
		}
	}
}

// startupParameters are those that a PgBouncer has to be told to take.
var startupParameters = []string{
	"idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "tcp_user_timeout",
	"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "default_transaction_read_only",
	"default_transaction_isolation", "synchronous_commit", "search_path", "plan_cache_mode", "client_min_messages", "jit",
}

func TestAServerThatDoesNotFlushIsWarnedOf(t *testing.T) {
	srv := start(t, "fsync=off")
	if w := open(t, srv.url()).(driver.Warner).Warnings(); len(w) != 1 || !strings.Contains(w[0].Error(), "fsync") {
		t.Errorf("the warnings are %v", w)
	}
	if w := open(t, with(srv.url(), "fencing", "off")).(driver.Warner).Warnings(); len(w) != 0 {
		t.Errorf("without tokens nothing is lost, but the warnings are %v", w)
	}
}

func TestAServerWithNoRoomForSessionsSaysSo(t *testing.T) {
	srv := start(t, "max_connections=5", "superuser_reserved_connections=0")
	s := open(t, srv.url())
	requests.Take(t, s, requests.Ask("k", 30*time.Second))
	for range 3 {
		srv.admin()
	}
	refuses(t, with(as(srv.url(), "test"), "application_name", "other"), driver.ErrUnavailable, "max_connections")
	if err := second(s.TryAcquire(t.Context(), requests.Ask("long", time.Minute))); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "max_connections") {
		t.Errorf("a session more: %v, want ErrUnavailable that names max_connections", err)
	}
	requests.Take(t, s, requests.Ask("as long", 30*time.Second))
}
