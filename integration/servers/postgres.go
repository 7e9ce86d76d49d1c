package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

var postgresServer = &source{
	name: "postgres", variable: "CONCURRENT_TEST_POSTGRES_URL", packages: []string{"postgresql"},
	program: findPostgres,
	start:   startPostgres,
	ping:    pingPostgres,
}

// Postgres returns a PostgreSQL server, with a role that may do everything.
func Postgres(t testing.TB) *Server {
	t.Helper()
	return postgresServer.get(t)
}

// findPostgres looks where Debian has each version's programs, too.
func findPostgres() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("no postgres in PATH or /usr/lib/postgresql")
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

func startPostgres(program, folder string) (*Server, error) {
	credential, err := owner(folder)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(filepath.Dir(program), "initdb"),
		"--pgdata", data, "--username", "test", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = folder, &syscall.SysProcAttr{Credential: credential}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if err := run(folder, credential, program, "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+folder); err != nil {
		return nil, err
	}
	return &Server{URL: fmt.Sprintf("postgres://test@127.0.0.1:%d/postgres?sslmode=disable", port), Kind: program}, nil
}

// owner gives the folder to somebody who is not root, whom Postgres does not
// run as, and returns who that is; nil if this process is not root itself.
func owner(folder string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func pingPostgres(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return conn.Ping(ctx)
}
