package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/concurrent-go/concurrent/integration/images"
)

// A maker makes servers of one kind.
type maker struct {
	name     string
	variable string   // of the environment, with the URL of one
	packages []string // of Debian, that bring a program
	programs func() []program
	program  func(l *launch, p program) (runner, error)
	image    func(l *launch, e *engine, ref string) (runner, error)
	url      func(port int) string
	ping     func(ctx context.Context, url string) error
}

// makers have the names of what they make.
var makers = map[string]*maker{
	redisMaker.name: redisMaker, postgresMaker.name: postgresMaker, pgbouncerMaker.name: pgbouncerMaker,
}

// A launch is what a server is started with.
type launch struct {
	version string
	port    int    // of the loopback interface
	folder  string // where it works, at the same path in a container
	args    []string
}

// An Option changes how a server is started.
type Option func(*launch) error

// Args are more arguments of the server's program: what stands there again
// counts more than what the package says.
func Args(args ...string) Option {
	return func(l *launch) error {
		l.args = append(l.args, args...)
		return nil
	}
}

// File is a file in the folder where the server works, which may change it. Name
// it in arguments without a folder.
func File(name, text string) Option {
	return func(l *launch) error {
		return os.WriteFile(filepath.Join(l.folder, name), []byte(text), 0o666)
	}
}

// start starts a server, which is removed by whoever asks for it, or says what
// is missing. The version may be a name alone.
func start(t testing.TB, version string, options []Option) (*Server, error) {
	m := makers[product(version)]
	if m == nil {
		return nil, errors.New("there is no such thing")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "concurrent-")
	if err != nil {
		return nil, err
	}
	l := &launch{version: version, port: port, folder: folder}
	for _, option := range options {
		if err := option(l); err != nil {
			return nil, err
		}
	}
	server := &Server{URL: m.url(port), ping: m.ping}
	server.runner, server.Kind, err = m.choose(t, l)
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	announce(l.version, server.Kind)
	if err = server.control("run", runner.run); err == nil {
		err = server.answering()
	}
	if err != nil {
		_ = server.control("remove", runner.remove)
		return nil, err
	}
	return server, nil
}

// choose prefers a container, except for benchmarks, which a program's is
// nearer to the figures of: no layer of the engine is between.
func (m *maker) choose(t testing.TB, l *launch) (runner, string, error) {
	e, reason, err := containers(t)
	if err != nil {
		return nil, "", err
	}
	if e == nil {
		return m.chooseProgram(l, reason)
	}
	if l.version == m.name {
		l.version = images.Versions(m.name)[0]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	defer cancel()
	ref, err := e.images.Get(ctx, l.version)
	if errors.Is(err, images.ErrUnobtainable) {
		return m.chooseProgram(l, err)
	}
	if err != nil {
		return nil, "", err
	}
	r, err := m.image(l, e, ref)
	return r, "a container of " + ref, err
}

func (m *maker) chooseProgram(l *launch, reason error) (runner, string, error) {
	all, err := m.found()
	if err != nil {
		where := ""
		if m.variable != "" {
			where = "set " + m.variable + " to the URL of one, or "
		}
		return nil, "", fmt.Errorf("%sstart a Docker engine (%w), or install %v: %w", where, reason, m.packages, err)
	}
	i := slices.IndexFunc(all, func(p program) bool { return l.version == p.version || l.version == m.name })
	if i < 0 {
		return nil, "", fmt.Errorf("no program of it is here, only %v, and no container: %w", all, reason)
	}
	l.version = all[i].version
	r, err := m.program(l, all[i])
	return r, all[i].path, err
}

func (m *maker) versions(t testing.TB) ([]string, error) {
	e, _, err := containers(t)
	if err != nil {
		return nil, err
	}
	if e != nil {
		return images.Versions(m.name), nil
	}
	all, err := m.found()
	if err != nil {
		return nil, err
	}
	versions := make([]string, len(all))
	for i, p := range all {
		versions[i] = p.version
	}
	return versions, nil
}

var announced sync.Map

// announce says once what a version is.
func announce(version, kind string) {
	if _, said := announced.LoadOrStore(version+kind, true); !said {
		fmt.Fprintf(os.Stderr, "servers: %s is %s\n", version, kind)
	}
}

// freePort returns a port of the loopback interface that nobody uses now. It is
// none that the kernel gives to outgoing connections, so that a server that was
// killed finds it free again, and its cluster bus, 10,000 higher, is free too.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 12_000 + rand.IntN(10_000)
		if err = free(port); err == nil {
			err = free(port + 10_000)
		}
		if err == nil {
			return port, nil
		}
	}
	return 0, err
}

func free(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}

// versionOf takes the numbers of a version out of what a program says of itself.
func versionOf(text, after string, numbers int) string {
	_, rest, _ := strings.Cut(text, after)
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	return strings.Join(parts[:min(numbers, len(parts))], ".")
}
