package redis

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A wire is a connection of a client of ours, on which the answer to a direct call
// is waited for after the call's deadline too. To break the connection then, and make
// the call on another, would have the server carry it out twice, the first time maybe
// long after the second.
//
// go-redis tells a connection nothing of a call but its deadline: by that the wire
// finds whose call it is.
type wire struct {
	net.Conn

	batch *batcher
	due   time.Time // of what is read

	mu      sync.Mutex
	patient bool // a Read has gone on after its deadline
}

var past = time.Unix(1, 0)

// SetReadDeadline is net.Conn's.
func (w *wire) SetReadDeadline(at time.Time) error {
	w.due = at
	return w.Conn.SetReadDeadline(at)
}

// Read is net.Conn's.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if ctx, until, found := w.batch.patience(w.due); found {
		return w.wait(ctx, until, b)
	}
	return n, err
}

// wait reads until a time, or until ctx ends.
func (w *wire) wait(ctx context.Context, until time.Time, b []byte) (int, error) {
	w.due = until
	if err := w.Conn.SetReadDeadline(until); err != nil {
		return 0, err
	}
	w.setPatient(true)
	stop := context.AfterFunc(ctx, w.interrupt)
	n, err := w.Conn.Read(b)
	stop()
	w.setPatient(false)
	return n, err
}

func (w *wire) setPatient(on bool) {
	w.mu.Lock()
	w.patient = on
	w.mu.Unlock()
}

// interrupt ends a wait, and never what is read after it.
func (w *wire) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.patient {
		_ = w.Conn.SetReadDeadline(past)
	}
}

// SyscallConn lets go-redis see whether the server has closed the connection before
// it sends anything there.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	if c, ok := w.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
