package postgres

import (
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// rest is how long the reader leaves the reading to others. It sees that much
	// later that the server ended the session.
	rest = time.Millisecond
	// ownWithin is for how long one that reads its own answer hears nothing else,
	// the end of its context neither. Then the reader goes on.
	ownWithin = 20 * time.Millisecond
)

// reading is what the server says, which one goroutine at a time reads. It is the
// session's reader, which sees at once when the server ends the session. But to be
// woken by it costs one that is alone as much as the server's work for it does. So
// once the reader has given somebody alone its answer, it rests for as long as those
// who come read their answers themselves.
type reading struct {
	frontend *pgproto3.Frontend
	waiting  []*group // what is under way and not yet answered
	at       int      // which of it is being answered

	free  chan struct{} // has an element when nobody reads
	call  chan struct{} // has an element when the reader is to go on
	rests atomic.Bool   // the reader does
	taken atomic.Bool   // since the reader looked last
	owned atomic.Bool   // somebody reads its own answer
}

func newReading(f *pgproto3.Frontend) reading {
	return reading{frontend: f, free: make(chan struct{}, 1), call: make(chan struct{}, 1)}
}

// take reports whether nobody reads and the caller does now.
func (r *reading) take() bool {
	select {
	case <-r.free:
		r.taken.Store(true)
		r.owned.Store(true)
		return true
	default:
		return false
	}
}

// rouse has the reader go on if it rests and something is under way. Whoever reads
// its own answer does the same when it has it.
func (s *session) rouse() {
	if !s.reading.rests.Load() || s.reading.owned.Load() || s.underWay() == nil {
		return
	}
	select {
	case s.reading.call <- struct{}{}:
	default: // it is called already
	}
}

// read is the session's reader, until that ends.
func (s *session) read() {
	defer close(s.done)
	timer := time.NewTimer(rest)
	defer timer.Stop()
	for {
		alone, err := s.receive()
		if err != nil {
			s.fail(err)
			return
		}
		if alone && s.class >= 0 {
			s.pause(timer)
		}
	}
}

// pause leaves the reading to others, until nobody has read for a while or
// something is under way of which nobody reads the answer.
func (s *session) pause(timer *time.Timer) {
	r := &s.reading
	r.rests.Store(true)
	r.free <- struct{}{}
	for called := s.underWay() != nil; !called; {
		r.taken.Store(false)
		timer.Reset(rest)
		select {
		case <-timer.C:
			called = !r.taken.Load()
		case <-r.call:
			called = true
		}
	}
	<-r.free
	r.rests.Store(false)
}

// readOwn reads the answer to the one op that is under way, whose caller has
// nothing else to do, and that to what confirms it.
func (s *session) readOwn() {
	_ = s.conn.SetReadDeadline(time.Now().Add(ownWithin)) // without one the reader sees the same error
	alone, err := false, error(nil)
	for err == nil && (!alone || s.confirms()) {
		alone, err = s.receive()
	}
	_ = s.conn.SetReadDeadline(time.Time{})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.fail(err)
	}
	s.reading.owned.Store(false)
	s.reading.free <- struct{}{}
	s.rouse()
}

// confirms reports whether what is under way confirms a lock that was stood for.
func (s *session) confirms() bool {
	batch := s.underWay()
	return len(batch) > 0 && batch[0].kind == confirm
}

// underWay is the batch that is not yet answered.
func (s *session) underWay() []*group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batch
}

// receive sees to the next message of the server. alone tells that it was the end
// of an answer, to one op, that was all that was under way.
func (s *session) receive() (alone bool, err error) {
	r := &s.reading
	message, err := r.frontend.Receive()
	if err != nil {
		return false, err
	}
	if len(r.waiting) == 0 {
		r.waiting = s.underWay()
	}
	switch m := message.(type) {
	case *pgproto3.NotificationResponse:
		s.home.notified(m.PID, m.Payload)
	case *pgproto3.DataRow:
		if len(r.waiting) > 0 {
			r.waiting[r.at].rows = append(r.waiting[r.at].rows, copyRow(m.Values))
		}
	case *pgproto3.ErrorResponse:
		said := pgconn.ErrorResponseToPgError(m)
		if said.SeverityUnlocalized != "ERROR" {
			return false, said // the session is over, though the network may tell of that later
		}
		if len(r.waiting) > 0 {
			r.waiting[r.at].err = said
		}
	case *pgproto3.ReadyForQuery:
		return s.ready(), nil
	}
	return false, nil
}

// ready sees to the end of a group's answer. It reports whether that was all.
func (s *session) ready() (alone bool) {
	r := &s.reading
	if len(r.waiting) == 0 {
		return false
	}
	if r.at++; r.at < len(r.waiting) && r.waiting[r.at].first != nil {
		return false // the token of those before
	}
	answered := r.waiting[:r.at]
	r.waiting, r.at = r.waiting[r.at:], 0
	alone = len(r.waiting) == 0 && len(answered[0].ops) == 1
	s.finish(answered)
	return alone
}

func copyRow(values [][]byte) [][]byte {
	row := make([][]byte, len(values))
	for i, v := range values {
		row[i] = slices.Clone(v)
	}
	return row
}
