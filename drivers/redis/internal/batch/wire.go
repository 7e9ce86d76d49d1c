package batch

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// A wire is a connection of a client of ours, which has a request arrive once.
//
// The answer to an inline call is waited for after the call's deadline too: to break the
// connection then, and make the call on another, would have the server carry it out
// twice, the first time maybe long after the second. go-redis tells a connection
// nothing of a call but its deadline: by that the wire finds whose call it is.
//
// What was sent on a connection that is given up is called back as far as that can be:
// see Close. And nothing is sent on a connection that the server has closed, where
// nobody would know what became of it.
type wire struct {
	net.Conn

	batch *Batcher
	raw   syscall.RawConn // nil: the connection has none
	due   time.Time       // of what is read
	dueW  time.Time       // of what is written
	asked atomic.Bool     // something was written since the last read
	owing atomic.Bool     // the same, but for a read that failed: then it was not answered

	mu      sync.Mutex
	patient bool // a Read or Write has gone on after its deadline
}

// Wire returns conn as a connection of the batcher's client. It may be called before
// Start.
func (b *Batcher) Wire(conn net.Conn) net.Conn {
	w := &wire{Conn: conn, batch: b}
	if c, ok := conn.(syscall.Conn); ok {
		w.raw, _ = c.SyscallConn() // none, if it fails
	}
	return w
}

var past = time.Unix(1, 0)

// SetReadDeadline is net.Conn's.
func (w *wire) SetReadDeadline(at time.Time) error {
	w.due = at
	return w.Conn.SetReadDeadline(at)
}

// SetWriteDeadline is net.Conn's.
func (w *wire) SetWriteDeadline(at time.Time) error {
	w.dueW = at
	return w.Conn.SetWriteDeadline(at)
}

// Read is net.Conn's.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = w.anew(w.due, err, w.SetReadDeadline, func() (int, error) { return w.Conn.Read(b) })
	}
	w.asked.Store(false)
	w.owing.Store(err != nil)
	return n, err
}

// Close is net.Conn's. A connection that owes an answer is reset: else the kernel would
// go on sending the request, and it might arrive after what is sent on other connections.
func (w *wire) Close() error {
	if c, ok := w.Conn.(*net.TCPConn); ok && w.owing.Load() {
		_ = c.SetLinger(0) // if it fails, the connection is broken
	}
	return w.Conn.Close()
}

// Write is net.Conn's. What begins with it was not sent if the connection is closed.
func (w *wire) Write(b []byte) (int, error) {
	if !w.asked.Load() && w.closed() {
		return 0, reply.ErrNotSent
	}
	w.asked.Store(true)
	w.owing.Store(true)
	n, err := w.Conn.Write(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		return w.anew(w.dueW, err, w.SetWriteDeadline, func() (int, error) { return w.Conn.Write(b) })
	}
	return n, err
}

// anew does something again that an inline call's deadline ended, until that call's
// caller has waited long enough or its context ends. Of other calls it returns err.
func (w *wire) anew(due time.Time, err error, set func(time.Time) error, do func() (int, error)) (int, error) {
	ctx, until, found := w.batch.patience(due)
	if !found {
		return 0, err
	}
	if err := set(until); err != nil {
		return 0, err
	}
	w.setPatient(true)
	stop := context.AfterFunc(ctx, w.interrupt)
	n, err := do()
	stop()
	w.setPatient(false)
	return n, err
}

func (w *wire) setPatient(on bool) {
	w.mu.Lock()
	w.patient = on
	w.mu.Unlock()
}

// interrupt ends what is done anew, and nothing that is done after it.
func (w *wire) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.patient {
		_ = w.SetDeadline(past) // of a connection that is closed it does not matter
	}
}

// SyscallConn lets go-redis look at the connection.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	if w.raw == nil {
		return nil, errors.ErrUnsupported
	}
	return w.raw, nil
}
