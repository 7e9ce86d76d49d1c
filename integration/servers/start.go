package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A launch is what a server is started with.
type launch struct {
	version string
	port    int    // of the loopback interface
	folder  string // where it works, at the same path in a container
	args    []string
	primary string // Postgres: whose standby it is, host and port
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
	from, err := m.origin(t, version)
	if err != nil {
		return nil, err
	}
	announce(from.version, from.kind)
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "concurrent-") //nolint:usetesting // a shared server outlives the test that asked first
	if err != nil {
		return nil, err
	}
	l := &launch{version: from.version, port: port, folder: folder}
	for _, option := range options {
		if err := option(l); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
	}
	server := &Server{URL: m.url(port), Kind: from.kind, ping: m.ping}
	if server.runner, err = from.make(l); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err = server.control("run", runner.run); err == nil {
		err = server.answering()
	}
	if err != nil {
		_ = server.control("remove", runner.remove)
		return nil, err
	}
	return server, nil
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
