package postgres

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// A talk is a session and the server's end of its connection.
type talk struct {
	*session
	t      *testing.T
	server net.Conn
}

// talking returns a session whose reader has answered one alone just now.
func talking(t *testing.T) *talk {
	t.Helper()
	ours, theirs := net.Pipe()
	s := &session{
		home: newBackend(&pgconn.Config{}, defaults(), nil), class: usual, idle: time.Hour, target: time.Hour,
		conn: ours, reading: newReading(pgproto3.NewFrontend(ours, nil)),
		timer: time.AfterFunc(24*time.Hour, func() {}), done: newSignal(),
	}
	go s.read()
	t.Cleanup(func() { s.fail(errClosed); <-s.done; _ = theirs.Close(); s.home.end() })
	c := &talk{s, t, theirs}
	first, sent := c.ask(), newSignal()
	go func() { s.kick(false); close(sent) }()
	c.hear(1)
	<-sent
	c.say(1)
	<-first
	synctest.Wait()
	return c
}

// ask queues an op that wants nothing but an answer, and returns what is closed
// when it has that.
func (c *talk) ask() chan struct{} {
	done := newSignal()
	if !c.submit(&op{kind: ping, alone: true, then: func(*op) { close(done) }}) {
		c.t.Fatal("the session has ended")
	}
	return done
}

// hear takes n requests from the connection.
func (c *talk) hear(n int) {
	c.t.Helper()
	for b := make([]byte, 5*n); n > 0; {
		got, err := c.server.Read(b)
		if err != nil {
			c.t.Error(err)
			return
		}
		n -= got / 5 // of a Sync
	}
}

// say answers n requests.
func (c *talk) say(n int) {
	c.t.Helper()
	for range n {
		if _, err := c.server.Write([]byte{'Z', 0, 0, 0, 5, 'I'}); err != nil {
			c.t.Error(err)
			return
		}
	}
}

func isOver(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestOneThatIsAloneReadsItsOwnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		for range 3 {
			done := c.ask()
			go func() { c.hear(1); c.say(1) }()
			c.kick(true)
			if !isOver(done) {
				t.Fatal("kick returned before the answer was read, so that another goroutine was to read it")
			}
		}
	})
}

func TestTheReaderGoesOnWhereAnAnswerTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		began, done := time.Now(), c.ask()
		go c.hear(1)
		c.kick(true)
		if took := time.Since(began); took != ownWithin {
			t.Errorf("the caller read for %v, want %v", took, ownWithin)
		}
		if isOver(done) {
			t.Fatal("there was no answer")
		}
		if _, err := c.server.Write([]byte{'Z', 0, 0}); err != nil { // in parts
			t.Fatal(err)
		}
		<-time.After(time.Second)
		if _, err := c.server.Write([]byte{0, 5, 'I'}); err != nil {
			t.Fatal(err)
		}
		<-done
	})
}

// An answer that had begun when the caller went is not lost.
func TestTheReaderGoesOnInTheMiddleOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		done := c.ask()
		go func() {
			c.hear(1)
			_, _ = c.server.Write([]byte{'Z', 0, 0, 0, 5})
		}()
		c.kick(true)
		if _, err := c.server.Write([]byte{'I'}); err != nil {
			t.Fatal(err)
		}
		<-done
	})
}

func TestTheReaderThatRestsIsCalledForSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		began, one, two := time.Now(), c.ask(), c.ask()
		go func() { c.hear(2); c.say(2) }()
		c.kick(true)
		<-one
		<-two
		if took := time.Since(began); took != 0 {
			t.Errorf("the answers were read %v after they came", took)
		}
	})
}

// Those who come while one reads its own answer are sent by it, and the reader
// reads theirs.
func TestTheReaderIsCalledForThoseWhoCameMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		own := c.ask()
		var two, three chan struct{}
		go func() {
			c.hear(1)
			two, three = c.ask(), c.ask()
			c.kick(true) // one is under way
			c.say(1)
			c.hear(2)
		}()
		began := time.Now()
		c.kick(true)
		if !isOver(own) {
			t.Fatal("the caller has no answer")
		}
		synctest.Wait()
		c.say(2)
		<-two
		<-three
		if took := time.Since(began); took != 0 {
			t.Errorf("the answers were read %v after they came", took)
		}
	})
}

func TestTheEndOfASessionIsSeenWhileTheReaderRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		began := time.Now()
		_ = c.server.Close()
		<-c.done
		if took := time.Since(began); took > rest {
			t.Errorf("it was seen after %v, want at most %v", took, rest)
		}
	})
}

// The server's last word ends a session at once: the end of the connection may come
// much later, when another has had the lock for long.
func TestTheServersLastWordEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := talking(t)
		last := &pgproto3.ErrorResponse{Severity: "FATAL ERROR", SeverityUnlocalized: "FATAL", Code: "57P01", Message: "terminating connection"}
		b, err := last.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := c.server.Write(b); err != nil {
			t.Fatal(err)
		}
		<-c.done
		if took := time.Since(began); took > rest {
			t.Errorf("it was seen after %v, want at most %v", took, rest)
		}
		if said, ok := errors.AsType[*pgconn.PgError](c.ended); !ok || said.Code != "57P01" {
			t.Errorf("the session ended with %v", c.ended)
		}
	})
}
