package redis

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// A narrow way to a server has room for a few kilobytes: what is more than that, and not
// taken, waits in the kernel of the sender, as where packets are lost.
type narrow struct {
	addr string
	all  sync.WaitGroup

	mu    sync.Mutex
	conns []*lane
}

// A lane is one connection.
type lane struct {
	stalled atomic.Pointer[chan struct{}] // nothing is taken until it is closed
	over    chan struct{}
}

func startNarrow(t *testing.T, to string) *narrow {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		failed := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048) })
		return errors.Join(failed, err)
	}}
	l, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	w := &narrow{addr: l.Addr().String()}
	w.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = conn.Close()
				continue
			}
			w.all.Go(func() { _, _ = io.Copy(conn, server); _ = conn.Close() })
			one := &lane{over: make(chan struct{})}
			w.mu.Lock()
			w.conns = append(w.conns, one)
			w.mu.Unlock()
			w.all.Go(func() { one.take(conn, server) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); w.all.Wait() })
	return w
}

// take carries what the client sends to the server.
func (l *lane) take(conn, server net.Conn) {
	defer close(l.over)
	defer func() { _ = server.Close() }()
	b := make([]byte, 4096)
	for {
		if stalled := l.stalled.Load(); stalled != nil {
			<-*stalled
		}
		n, err := conn.Read(b)
		if stalled := l.stalled.Load(); stalled != nil {
			<-*stalled // it was read while they were stalled
		}
		if _, failed := server.Write(b[:n]); failed != nil || err != nil {
			return
		}
	}
}

// block has nothing be taken from the connections there are until arrive, which returns
// when all of it has been, and they have ended.
func (w *narrow) block() (arrive func()) {
	stalled := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	blocked := w.conns
	for _, l := range blocked {
		l.stalled.Store(&stalled)
	}
	return sync.OnceFunc(func() {
		close(stalled)
		some := time.After(time.Second)
		for _, l := range blocked {
			select {
			case <-l.over:
			case <-some: // those that go on
				return
			}
		}
	})
}

// What was not acknowledged of a connection that is given up is not sent any more.
func TestAConnectionThatIsGivenUpSendsNothingLater(t *testing.T) {
	srv := start(t)
	w := startNarrow(t, srv.addr())
	s, direct := open(t, "redis://"+w.addr+"?read_timeout=1s"), open(t, srv.url())
	warm(t, s)
	rs := make([]driver.Request, 40)
	for i := range rs {
		rs[i] = requests.Ask(fmt.Sprint(strings.Repeat("long", 200), i), time.Hour)
		requests.Take(t, s, rs[i])
	}
	shorter := make([]driver.Request, len(rs))
	for i, r := range rs {
		r.Lease = 3 * time.Second
		shorter[i] = r
	}
	arrive := w.block()
	defer arrive()
	if _, errs := s.(driver.Batcher).ExtendAll(t.Context(), shorter); errs == nil {
		t.Fatal("what the server never had was answered")
	}
	if _, errs := direct.(driver.Batcher).ExtendAll(t.Context(), rs); errs != nil {
		t.Fatal(errors.Join(errs...))
	}
	arrive()
	for _, r := range rs {
		if held := holders(t, direct, r.Key); len(held) != 1 || time.Until(held[0].Until) < time.Minute {
			t.Fatalf("a request of a connection that was given up arrived later, and shortened an hour: %+v", held)
		}
	}
}
