package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A wired is a connection through a link to a server that says back what it
// hears, in the way that Redis does it.
type wired struct {
	t    *testing.T
	conn net.Conn
}

func wire(t *testing.T, l *Link) *wired {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr)
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &wired{t, conn}
}

func (w *wired) send(text string) {
	w.t.Helper()
	_, err := fmt.Fprintf(w.conn, "*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(text), text)
	check(w.t, err)
}

// hears reads what send sent, and reports whether it came in time.
func (w *wired) hears(text string, within time.Duration) bool {
	w.t.Helper()
	want := fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
	got := make([]byte, len(want))
	check(w.t, w.conn.SetReadDeadline(time.Now().Add(within)))
	n, err := io.ReadFull(w.conn, got)
	if err == nil && string(got) != want {
		w.t.Fatalf("heard %q, want %q", got, want)
	}
	if err != nil && (n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
		w.t.Fatalf("heard %q and %v, want %q or nothing", got[:n], err, want)
	}
	return err == nil
}

func TestLink(t *testing.T) {
	server := NewRedis(t, "redis")
	direct := dial(t, server.URL)
	fresh := func(t *testing.T) (*Link, *wired) {
		l := server.Link(t)
		w := wire(t, l)
		w.send("first")
		if !w.hears("first", 10*time.Second) {
			t.Fatal("nothing passes a link that nothing was done to")
		}
		return l, w
	}
	t.Run("passes", func(t *testing.T) {
		l, w := fresh(t)
		long := string(bytes.Repeat([]byte("x"), 1<<20))
		w.send(long)
		if !w.hears(long, 10*time.Second) {
			t.Error("a long reply did not come")
		}
		check(t, dial(t, l.URL).Ping(t.Context()).Err())
	})
	for way, reaches := range map[Direction]bool{Requests: false, Replies: true, Both: false} {
		t.Run("cut "+string(way), func(t *testing.T) {
			l, w := fresh(t)
			l.Cut(way)
			l.Cut(way) // once more does no harm
			_, err := fmt.Fprintf(w.conn, "*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n", len(t.Name()), t.Name())
			check(t, err)
			if w.hears("", 200*time.Millisecond) {
				t.Error("a reply came")
			}
			if reaches {
				eventually(t, "the request reaches the server", func() bool { return direct.Get(t.Context(), t.Name()).Val() == "1" })
			} else if n := direct.Exists(t.Context(), t.Name()).Val(); n != 0 {
				t.Error("the request reached the server")
			}
			later := wire(t, l)
			later.send("later")
			if later.hears("later", 200*time.Millisecond) {
				t.Error("a reply came on a new connection")
			}
			l.Heal()
			reply := make([]byte, 4)
			check(t, w.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			if _, err := io.ReadFull(w.conn, reply); string(reply) != ":1\r\n" {
				t.Errorf("after Heal %q came, %v", reply, err)
			}
			if !later.hears("later", 10*time.Second) {
				t.Error("after Heal nothing came on the new connection")
			}
		})
	}
	t.Run("hold the next", func(t *testing.T) {
		l, w := fresh(t)
		deliver := l.HoldNext("INCR")
		w.send("before")
		if !w.hears("before", 10*time.Second) {
			t.Error("another request was held back")
		}
		_, err := fmt.Fprintf(w.conn, "*2\r\n$4\r\nINCR\r\n$9\r\nheld back\r\n")
		check(t, err)
		if w.hears("", 200*time.Millisecond) {
			t.Error("a reply came")
		}
		check(t, w.conn.Close())
		later := wire(t, l)
		later.send("later")
		if !later.hears("later", 10*time.Second) {
			t.Error("a new connection is held back")
		}
		check(t, dial(t, l.URL).Incr(t.Context(), "next").Err())
		if n := direct.Exists(t.Context(), "held back").Val(); n != 0 {
			t.Error("the request reached the server")
		}
		if !deliver() || direct.Get(t.Context(), "held back").Val() != "1" {
			t.Error("the request did not reach the server, or was not reported")
		}
		if l.HoldNext("INCR")() {
			t.Error("a request is reported that nobody sent")
		}
	})
	t.Run("latency", func(t *testing.T) {
		l, w := fresh(t)
		l.Latency(100 * time.Millisecond)
		began := time.Now()
		w.send("late")
		if !w.hears("late", 10*time.Second) {
			t.Fatal("nothing came")
		}
		if took := time.Since(began); took < 200*time.Millisecond {
			t.Errorf("it took %v there and back, of 100 ms each way", took)
		}
		l.Latency(time.Hour)
		l.Heal()
		w.send("again")
		if !w.hears("again", 10*time.Second) {
			t.Error("after Heal nothing came")
		}
	})
	t.Run("reset", func(t *testing.T) {
		l, w := fresh(t)
		l.Reset(10)
		_, err := w.conn.Write([]byte("*2\r\n$4\r\nINCR\r\n$5\r\nreset\r\n"))
		check(t, err)
		w.send("a longer text")
		check(t, w.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		got, err := io.ReadAll(w.conn)
		if string(got) != ":1\r\n$13\r\na" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q and %v came, want ten bytes and a reset", got, err)
		}
		if n := direct.Get(t.Context(), "reset").Val(); n != "1" {
			t.Errorf("the request was done %s times", n)
		}
		if err := dial(t, l.URL).Echo(within(t, 10*time.Second), strings.Repeat("x", 100)).Err(); err == nil {
			t.Error("a later connection lives")
		}
		l.Heal()
		check(t, dial(t, l.URL).Ping(t.Context()).Err())
	})
	t.Run("drop", func(t *testing.T) {
		l, w := fresh(t)
		l.Drop()
		check(t, w.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		if n, err := w.conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d, %v from a dropped connection", n, err)
		}
		check(t, dial(t, l.URL).Ping(t.Context()).Err())
	})
	t.Run("slow close", func(t *testing.T) {
		l, w := fresh(t)
		l.SlowClose(time.Hour)
		_, err := w.conn.Write([]byte("*1\r\n$4\r\nQUIT\r\n")) // the server answers, and closes
		check(t, err)
		check(t, w.conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
		if got, err := io.ReadAll(w.conn); string(got) != "+OK\r\n" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q and %v came, want the answer and no end", got, err)
		}
		l.Heal()
		check(t, w.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		if n, err := w.conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("after Heal: %d and %v, want the end", n, err)
		}
	})
	t.Run("another server", func(t *testing.T) {
		l, w := fresh(t)
		other := NewRedis(t, "redis")
		check(t, dial(t, other.URL).Set(t.Context(), "which", "other", 0).Err())
		l.Lead(other)
		if got := dial(t, l.URL).Get(t.Context(), "which").Val(); got != "other" {
			t.Errorf("a new connection reaches a server that says %q", got)
		}
		l.Lead(nil)
		if err := dial(t, l.URL).Ping(within(t, 10*time.Second)).Err(); err == nil {
			t.Error("a new connection reaches a server, and should none")
		}
		w.send("still there")
		if !w.hears("still there", 10*time.Second) {
			t.Error("the connection there was is gone")
		}
	})
	t.Run("a restart of the server", func(t *testing.T) {
		own := NewRedis(t, "redis")
		l := own.Link(t)
		c := dial(t, l.URL)
		check(t, c.Ping(t.Context()).Err())
		check(t, own.Restart())
		eventually(t, "it answers through the link", func() bool { return c.Ping(context.Background()).Err() == nil })
	})
}
