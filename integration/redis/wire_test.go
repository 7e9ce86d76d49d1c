package redis

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A wire stands between clients and a server, and does what a bad network does.
type wire struct {
	t        *testing.T
	listener net.Listener
	target   string

	mu      sync.Mutex
	conns   map[net.Conn]bool
	silent  bool          // replies vanish
	dead    bool          // nothing passes either way, and connections stay
	delay   time.Duration // of each piece, either way
	changed chan struct{}
	group   sync.WaitGroup
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, listener: l, target: target, conns: make(map[net.Conn]bool), changed: make(chan struct{})}
	w.group.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.heal()
		w.cut()
		w.group.Wait()
	})
	return w
}

func (w *wire) url() string { return "redis://" + w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.mu.Lock()
		w.conns[client], w.conns[server] = true, true
		w.mu.Unlock()
		w.group.Go(func() { w.pump(server, client, false) })
		w.group.Go(func() { w.pump(client, server, true) })
	}
}

func (w *wire) pump(to, from net.Conn, replies bool) {
	defer w.drop(to, from)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && w.pass(replies) {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(w.conns, c)
	}
}

// pass waits as long as nothing passes, and reports whether this piece may.
func (w *wire) pass(replies bool) bool {
	w.mu.Lock()
	for w.dead {
		changed := w.changed
		w.mu.Unlock()
		<-changed
		w.mu.Lock()
	}
	delay, silent := w.delay, w.silent
	w.mu.Unlock()
	if delay > 0 {
		<-time.After(delay)
	}
	return !replies || !silent
}

func (w *wire) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

// mute has requests pass and replies vanish; unmute ends that.
func (w *wire) mute()   { w.set(func() { w.silent = true }) }
func (w *wire) unmute() { w.set(func() { w.silent = false }) }

// part stops everything, as a network that is cut does; heal lets it pass again.
func (w *wire) part() { w.set(func() { w.dead = true }) }
func (w *wire) heal() { w.set(func() { w.dead, w.silent, w.delay = false, false, 0 }) }

func (w *wire) slow(d time.Duration) { w.set(func() { w.delay = d }) }

// cut closes every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}
