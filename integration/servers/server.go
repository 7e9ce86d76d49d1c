package servers

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// A Server is one that answers.
type Server struct {
	URL  string // with the user and the password, if there are any
	Kind string // where it comes from, for people to read
}

// A source starts a server, or finds it, once.
type source struct {
	name     string
	variable string
	packages []string // of Debian, that bring the program
	program  func() (string, error)
	start    func(program, folder string) (*Server, error)
	ping     func(ctx context.Context, url string) error
	patience time.Duration // with a server that does not answer yet; 0: 30 s

	once   sync.Once
	server *Server
	err    error
}

// get returns the server that all tests of this binary share.
func (s *source) get(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() {
		s.server, s.err = s.find()
		if s.err == nil {
			fmt.Fprintf(os.Stderr, "servers: %s is %s\n", s.name, s.server.Kind)
		}
	})
	if s.err != nil {
		t.Fatalf("servers: no %s: %v", s.name, s.err)
	}
	return s.server
}

func (s *source) find() (*Server, error) {
	if url := os.Getenv(s.variable); url != "" {
		return s.answering(&Server{URL: url, Kind: "the one at " + s.variable})
	}
	program, err := s.program()
	if err != nil {
		if err := install(s.packages...); err != nil {
			return nil, fmt.Errorf("set %s to the URL of one, or install %v: %w", s.variable, s.packages, err)
		}
		if program, err = s.program(); err != nil {
			return nil, err
		}
	}
	folder, err := os.MkdirTemp("", "concurrent-"+s.name+"-")
	if err != nil {
		return nil, err
	}
	server, err := s.start(program, folder)
	if err != nil {
		return nil, err
	}
	return s.answering(server)
}

// answering waits until the server does.
func (s *source) answering(server *Server) (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(s.patience, 30*time.Second))
	defer cancel()
	for {
		err := s.ping(ctx, server.URL)
		if err == nil {
			return server, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not answer: %w", server.Kind, err)
		}
	}
}

// freePort returns a port of the loopback interface that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
