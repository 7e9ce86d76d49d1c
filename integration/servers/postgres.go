package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
	tcpostgres "github.com/testcontainers/testcontainers-go/modules/postgres"
)

var postgresMaker = &maker{
	name: "postgres", variable: "CONCURRENT_TEST_POSTGRES_URL", packages: []string{"postgresql"},
	programs: postgresPrograms,
	program:  postgresProcess,
	image:    postgresContainer,
	url: func(port int) string {
		return fmt.Sprintf("postgres://test@127.0.0.1:%d/postgres?sslmode=disable", port)
	},
	ping: pingPostgres,
}

// NewPostgres returns a PostgreSQL server of the test's own, which it may do
// anything with: of a version ("postgres 15", "postgres 17"), or of any
// ("postgres"). Its role test may do everything. It writes to its disk as
// Postgres does by default, and ends with the test.
func NewPostgres(t testing.TB, version string, options ...Option) *Server {
	t.Helper()
	return own(t, version, options)
}

// NewStandby returns a hot standby of a Postgres of the same version, which
// follows it until it is promoted (pg_promote). It ends with the test.
func NewStandby(t testing.TB, version string, primary *Server, options ...Option) *Server {
	t.Helper()
	return own(t, version, append(options, func(l *launch) error {
		l.primary = primary.Addr()
		return nil
	}))
}

// postgresPrograms looks where Debian has each version's programs, too.
func postgresPrograms() []program {
	paths, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		paths = append([]string{path}, paths...)
	}
	var all []program
	for _, path := range paths {
		says, err := exec.Command(path, "--version").Output()
		p := program{version: "postgres " + versionOf(string(says), "PostgreSQL", 1), path: path}
		if err == nil && !slices.ContainsFunc(all, func(other program) bool { return other.version == p.version }) {
			all = append(all, p)
		}
	}
	return all
}

func postgresArgs(l *launch, more ...string) []string {
	return append(append([]string{"-p", strconv.Itoa(l.port), "-c", "listen_addresses=127.0.0.1"}, more...), l.args...)
}

func postgresProcess(l *launch, p program) (runner, error) {
	credential, err := owner(l.folder)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(l.folder, "data")
	make := []string{"initdb", "--pgdata", data, "--username", "test", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"}
	if l.primary != "" {
		make = basebackup(l.primary, data)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(p.path), make[0]), make[1:]...)
	cmd.Dir, cmd.SysProcAttr = l.folder, &syscall.SysProcAttr{Credential: credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", make[0], err, out)
	}
	return newProcess(l.folder, credential,
		append([]string{p.path, "-D", data}, postgresArgs(l, "-c", "unix_socket_directories="+l.folder)...)), nil
}

// basebackup copies a server's data for a standby.
func basebackup(primary, data string) []string {
	return []string{
		"pg_basebackup", "--dbname", "postgres://test@" + primary, "--pgdata", data,
		"--write-recovery-conf", "--checkpoint", "fast", "--no-sync",
	}
}

// postgresCommand is what a container runs. A standby replaces the data that is
// there, when it starts first.
func postgresCommand(l *launch) []string {
	args := postgresArgs(l)
	if l.primary == "" {
		return append([]string{"postgres"}, args...)
	}
	script := `set -e
cd "$PGDATA"
if ! [ -e copied ]; then
	find . -mindepth 1 -delete
	chmod 700 .
	` + strings.Join(basebackup(l.primary, "."), " ") + `
	touch copied
fi
exec postgres "$@"`
	return append([]string{"sh", "-c", script, "sh"}, args...)
}

// postgresContainer works in a folder of its own container: Postgres wants its
// data to be its user's, who is another one in each image.
func postgresContainer(l *launch, e *engine, ref string) (runner, error) {
	return &inContainer{engine: e, folder: l.folder, create: func(ctx context.Context, options ...testcontainers.ContainerCustomizer) (testcontainers.Container, error) {
		c, err := tcpostgres.Run(ctx, ref, append(options,
			tcpostgres.WithUsername("test"),
			tcpostgres.WithDatabase("postgres"),
			testcontainers.WithEnv(map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust", "PGPORT": strconv.Itoa(l.port)}),
			testcontainers.WithCmd(postgresCommand(l)...),
			testcontainers.WithConfigModifier(func(c *container.Config) { c.User = "postgres" }),
			testcontainers.WithHostConfigModifier(func(h *container.HostConfig) { h.NetworkMode = "host" }),
		)...)
		if c == nil {
			return nil, err
		}
		return c.Container, err
	}}, nil
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
