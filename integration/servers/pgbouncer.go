package servers

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/testcontainers/testcontainers-go"
)

const pgbouncerIni = "pgbouncer.ini"

var pgbouncerMaker = &maker{
	name: "pgbouncer", packages: []string{"pgbouncer"},
	programs: pgbouncerPrograms,
	program: func(l *launch, p program) (runner, error) {
		credential, err := owner(l.folder)
		return newProcess(l.folder, credential, []string{p.path, pgbouncerIni}), err
	},
	image: pgbouncerContainer,
	url:   postgresMaker.url,
	ping:  pingPostgres,
}

// NewPgBouncer returns a PgBouncer of the test's own before a Postgres, with
// settings beside those that make it work ("pool_mode=transaction"). It ends
// with the test.
func NewPgBouncer(t testing.TB, before *Server, settings ...string) *Server {
	t.Helper()
	host, port, err := net.SplitHostPort(before.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return own(t, pgbouncerMaker.name, []Option{func(l *launch) error {
		ini := []string{
			"[databases]", fmt.Sprintf("* = host=%s port=%s user=test", host, port),
			"[pgbouncer]", "listen_addr = 127.0.0.1", "listen_port = " + strconv.Itoa(l.port), "unix_socket_dir =",
			"auth_type = any", // whoever comes is test
		}
		return File(pgbouncerIni, strings.Join(append(ini, settings...), "\n")+"\n")(l)
	}})
}

func pgbouncerPrograms() []program {
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		return nil
	}
	says, err := exec.Command(path, "--version").Output()
	if err != nil {
		return nil
	}
	return []program{{version: "pgbouncer " + versionOf(string(says), "PgBouncer", 2), path: path}}
}

func pgbouncerContainer(l *launch, e *engine, ref string) (runner, error) {
	credential, err := owner(l.folder) // like Postgres, it does not run as root
	if err != nil {
		return nil, err
	}
	return &inContainer{engine: e, folder: l.folder, create: func(ctx context.Context, options ...testcontainers.ContainerCustomizer) (testcontainers.Container, error) {
		c, err := testcontainers.Run(ctx, ref, append(options, inFolder(l, credential, "pgbouncer", pgbouncerIni)...)...)
		if c == nil {
			return nil, err
		}
		return c, err
	}}, nil
}
