package servers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// A Server is one that answers. What its methods do, they have done when they
// return, and each takes a minute at most.
type Server struct {
	URL  string // with the user and the password, if there are any
	Kind string // where it comes from, for people to read

	runner runner // nil: the server is somebody else's
	ping   func(ctx context.Context, url string) error
}

// A runner has a server run: in a container, or by its program.
type runner interface {
	run(ctx context.Context) error    // again, with what is on its disk, if it was killed
	kill(ctx context.Context) error   // at once; a server that runs no more is no error
	stop(ctx context.Context) error   // in order; a server that runs no more is no error
	pause(ctx context.Context) error  // and all processes of it
	resume(ctx context.Context) error // a server that is not paused is no error
	remove(ctx context.Context) error // the server, and all that it left
	running(ctx context.Context) bool // as far as is known
	said() string                     // the end of its log
}

// ErrNotOurs is the error of controls on a server whose address the environment
// gave.
var ErrNotOurs = errors.New("servers: the environment gave this server's address: it is somebody else's")

// patience is how long a control may take. Tests of failures have less.
var patience = time.Minute

// Addr is the server's host and port.
func (s *Server) Addr() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "" // it answered at that URL
	}
	return u.Host
}

// Pause freezes the server: connections stay, and new ones are made by the
// kernel, but nothing is answered. After an error it may be paused or not.
func (s *Server) Pause() error { return s.control("pause", runner.pause) }

// Resume ends Pause. The server finds its clock ahead and answers what came
// meanwhile. After an error it may be paused still.
func (s *Server) Resume() error { return s.control("resume", runner.resume) }

// Kill ends the server as SIGKILL does: its connections break, its port refuses
// new ones, and it keeps what is on its disk, for Restart. After an error it may
// run still.
func (s *Server) Kill() error { return s.control("kill", runner.kill) }

// Stop ends the server as SIGINT does, in order: Postgres tells its sessions, and
// does not wait for them (a fast shutdown), Redis writes what it is to write. It
// returns when the server is gone, for Restart. After an error it may run still.
func (s *Server) Stop() error { return s.control("stop", runner.stop) }

// Restart kills the server, if it runs, and has it run again at the same address
// with what is on its disk: a Redis without persistence is empty then, a
// Postgres recovers what was committed. It returns when the server answers.
// After an error the server may be away.
func (s *Server) Restart() error {
	if err := s.Kill(); err != nil {
		return err
	}
	if err := s.control("restart", runner.run); err != nil {
		return err
	}
	return s.answering()
}

func (s *Server) control(what string, f func(runner, context.Context) error) error {
	if s.runner == nil {
		return ErrNotOurs
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f(s.runner, ctx); err != nil {
		return fmt.Errorf("servers: %s %s: %w", what, s.Kind, err)
	}
	return nil
}

// answering waits until the server does, or is gone.
func (s *Server) answering() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for tries := 1; ; tries++ {
		err := s.ping(ctx, s.URL)
		if err == nil {
			return nil
		}
		over := ctx.Err() != nil || s.runner != nil && tries%10 == 0 && !s.runner.running(ctx)
		if over && s.runner != nil {
			return fmt.Errorf("%s does not answer: %w\n%s", s.Kind, err, s.runner.said())
		}
		if over {
			return fmt.Errorf("%s does not answer: %w", s.Kind, err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
