package chaos

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"sync"
)

// A Resource is what locks are for: a value for each key that is written to by
// whoever holds the lock, and takes a write only with a token that is not
// smaller than the last one it took. It listens on a Unix socket.
type Resource struct {
	listener net.Listener
	mu       sync.Mutex
	last     map[string]uint64
	taken    int
	stopped  int
	open     map[net.Conn]bool
	serving  sync.WaitGroup
}

// NewResource listens at path.
func NewResource(path string) (*Resource, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil { // processes may be another user's
		return nil, err
	}
	r := &Resource{listener: l, last: map[string]uint64{}, open: map[net.Conn]bool{}}
	r.serving.Go(r.accept)
	return r, nil
}

func (r *Resource) accept() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.open[c] = true
		r.mu.Unlock()
		r.serving.Go(func() { r.serve(c) })
	}
}

// serve answers one connection's writes: a key, a space, a token.
func (r *Resource) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		r.mu.Lock()
		delete(r.open, c)
		r.mu.Unlock()
	}()
	for in := bufio.NewScanner(c); in.Scan(); {
		var key string
		var token uint64
		if _, err := fmt.Sscan(in.Text(), &key, &token); err != nil {
			return
		}
		if _, err := fmt.Fprintln(c, r.write(key, token)); err != nil {
			return
		}
	}
}

func (r *Resource) write(key string, token uint64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token < r.last[key] {
		r.stopped++
		return Refused
	}
	r.last[key] = token
	r.taken++
	return OK
}

// Counts returns how many writes were taken, and how many stopped.
func (r *Resource) Counts() (taken, stopped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken, r.stopped
}

// Close ends the resource and its connections.
func (r *Resource) Close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.serving.Wait()
}

// A writer is one client's connection to a Resource.
type writer struct {
	conn net.Conn
	in   *bufio.Scanner
}

func dial(path string) (*writer, error) {
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	return &writer{conn: c, in: bufio.NewScanner(c)}, nil
}

// write returns OK or Refused.
func (w *writer) write(key string, token uint64) (string, error) {
	if _, err := fmt.Fprintln(w.conn, key, token); err != nil {
		return "", err
	}
	if !w.in.Scan() {
		return "", fmt.Errorf("the resource is gone: %w", net.ErrClosed)
	}
	return w.in.Text(), nil
}
