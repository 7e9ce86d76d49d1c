package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/rs/zerolog"
)

// A Direction is which way something goes on a link.
type Direction string

// The directions: what the client sends, what the server answers, and both.
const (
	Requests Direction = "upstream"
	Replies  Direction = "downstream"
	Both     Direction = "both"
)

// A Link stands between a server and the clients that use the link's URL, and
// does what a bad network does. Its methods may be called at the same time. They
// hold for the connections there are and those to come, until Heal.
type Link struct {
	URL  string // the server's, at the link's address
	Addr string

	listener net.Listener
	proxy    *toxiproxy.Proxy
	serving  sync.WaitGroup

	mu     sync.Mutex
	target string
	bad    map[string]bool // the names of the toxics that are there
	ends   sync.Map        // *end
	reset  atomic.Bool     // what ends, ends with a reset
	next   atomic.Pointer[hold]
}

// Link returns a link to the server, which ends with the test.
func (s *Server) Link(t testing.TB) *Link {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal("servers: the server's URL is none")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := u.Host
	u.Host = listener.Addr().String()
	l := &Link{URL: u.String(), Addr: u.Host, target: target, listener: listener, bad: make(map[string]bool)}
	l.proxy = toxiproxy.NewProxy(proxies, u.Host, u.Host, target)
	l.serving.Go(l.serve)
	t.Cleanup(l.close)
	return l
}

// proxies is what toxiproxy wants its proxies to belong to.
var proxies = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())

func (l *Link) serve() {
	for number := 0; ; number++ {
		conn, err := l.listener.Accept()
		if err != nil {
			return // the link is closed
		}
		l.mu.Lock()
		target := l.target
		l.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil {
			_ = conn.Close()
			continue
		}
		client, upstream := l.end(conn), l.end(server)
		upstream.server = true
		l.proxy.Toxics.StartLink(proxies, fmt.Sprint(number, Requests), client, upstream, stream.Upstream)
		l.proxy.Toxics.StartLink(proxies, fmt.Sprint(number, Replies), upstream, client, stream.Downstream)
	}
}

// Cut lets nothing pass in a direction. Connections stay, as in a network that
// loses its packets, and new ones can be made; what was sent arrives after Heal.
func (l *Link) Cut(d Direction) {
	for _, way := range []Direction{Requests, Replies} {
		if d == way || d == Both {
			l.add("hold", way, nil)
		}
	}
}

// Withhold holds back replies: the server does what it is asked, and the client
// does not hear of it before Heal.
func (l *Link) Withhold() { l.Cut(Replies) }

// Overtaken holds back what is sent on the connections there are, their ends too,
// while those made later are served: as in a network that lost a packet, where the
// kernel goes on sending it when its socket was closed long ago. arrive lets it reach
// the server.
func (l *Link) Overtaken() (arrive func()) {
	held := make(chan struct{})
	l.ends.Range(func(e, _ any) bool {
		e.(*end).held.Store(&held)
		return true
	})
	return sync.OnceFunc(func() { close(held) })
}

// A hold is what HoldNext holds back.
type hold struct {
	has    []byte        // what is in the request
	arrive chan struct{} // closed when it may go on
	by     *end          // where it is; guarded by the end of caught
	caught chan struct{} // closed when there is something
}

// HoldNext holds back the next request that has these bytes in it, and what follows it
// on its connection, as Overtaken does. deliver lets it reach the server, returns when
// that has answered, or ended the connection, and reports whether there was anything.
func (l *Link) HoldNext(has string) (deliver func() bool) {
	h := &hold{has: []byte(has), arrive: make(chan struct{}), caught: make(chan struct{})}
	l.next.Store(h)
	return func() bool {
		if l.next.CompareAndSwap(h, nil) {
			return false
		}
		<-h.caught
		answers := h.by.answers.Load()
		close(h.arrive)
		for end := time.Now().Add(answersWithin); h.by.answers.Load() == answers && time.Now().Before(end); {
			<-time.After(time.Millisecond)
		}
		<-time.After(answersInPieces)
		return true
	}
}

const (
	answersWithin   = 5 * time.Second
	answersInPieces = 50 * time.Millisecond // to requests that arrived together
)

// catch holds b back, if it is what is to be held.
func (e *end) catch(b []byte) {
	h := e.link.next.Load()
	if !e.server || h == nil || !bytes.Contains(b, h.has) || !e.link.next.CompareAndSwap(h, nil) {
		return
	}
	e.held.Store(&h.arrive)
	h.by = e
	close(h.caught)
}

// Latency makes everything late, by that much each way.
func (l *Link) Latency(d time.Duration) {
	for _, way := range []Direction{Requests, Replies} {
		l.add("latency", way, map[string]int64{"latency": d.Milliseconds()})
	}
}

// SlowClose has each end of a connection, whoever makes it, be seen by the other
// side that much later. What was sent before arrives in time.
func (l *Link) SlowClose(d time.Duration) {
	for _, way := range []Direction{Requests, Replies} {
		l.add("slow_close", way, map[string]int64{"delay": d.Milliseconds()})
	}
}

// Reset lets that many bytes more of each connection's replies pass and then
// resets it, in the middle of one: the server did what it was asked, and the
// client can't know. Later connections fare alike, until Heal.
func (l *Link) Reset(after int64) {
	l.reset.Store(true)
	l.add("reset", Replies, map[string]int64{"after": after})
}

// Drop closes all connections at once, with what is under way. New ones can be
// made.
func (l *Link) Drop() {
	l.ends.Range(func(e, _ any) bool {
		e.(*end).drop()
		return true
	})
}

// Lead has the connections to come reach another server, or nobody if it is nil.
// Those there are stay.
func (l *Link) Lead(to *Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = "" // which can't be dialled
	if to != nil {
		l.target = to.Addr()
	}
}

// Heal ends what Cut, Withhold, Latency, SlowClose and Reset began. What was held
// back arrives, on the connections that are there still.
func (l *Link) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.bad {
		_ = l.proxy.Toxics.RemoveToxic(context.Background(), name) // it is there
	}
	clear(l.bad)
	l.reset.Store(false)
}

// add replaces a toxic of the same kind and direction.
func (l *Link) add(kind string, way Direction, attributes map[string]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := kind + " " + string(way)
	if l.bad[name] {
		_ = l.proxy.Toxics.RemoveToxic(context.Background(), name) // it is there
	}
	text, err := json.Marshal(map[string]any{"name": name, "type": kind, "stream": way, "attributes": attributes})
	if err == nil {
		_, err = l.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
	}
	if err != nil {
		panic(fmt.Sprintf("servers: %s: %v", text, err)) // it is a name that toxiproxy does not know
	}
	l.bad[name] = true
}

func (l *Link) close() {
	_ = l.listener.Close()
	l.serving.Wait()
	l.Heal()
	l.Drop()
}

// An end is one side of a connection.
type end struct {
	net.Conn
	link    *Link
	server  bool                          // it is the server's side
	held    atomic.Pointer[chan struct{}] // closed when what it sends may arrive
	answers atomic.Int64                  // how often something was read, or nothing any more
	dropped chan struct{}
	once    sync.Once
}

func (l *Link) end(conn net.Conn) *end {
	e := &end{Conn: conn, link: l, dropped: make(chan struct{})}
	l.ends.Store(e, true)
	return e
}

// drop closes the connection with what is under way.
func (e *end) drop() {
	e.once.Do(func() { close(e.dropped) })
	_ = e.Conn.Close()
}

// Write takes what can't be written any more, too: toxiproxy's goroutines would
// wait for ever for somebody to take it.
func (e *end) Write(b []byte) (int, error) {
	e.catch(b)
	if held := e.held.Load(); held != nil {
		select {
		case <-*held:
		case <-e.dropped:
		}
	}
	_, _ = e.Conn.Write(b)
	return len(b), nil
}

func (e *end) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	e.answers.Add(1)
	return n, err
}

func (e *end) Close() error {
	e.link.ends.Delete(e)
	e.once.Do(func() { close(e.dropped) })
	if c, ok := e.Conn.(*net.TCPConn); ok && e.link.reset.Load() {
		_ = c.SetLinger(0)
	}
	return e.Conn.Close()
}
