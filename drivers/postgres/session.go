package postgres

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/concurrent-go/concurrent/internal/clock"
)

const (
	// batchMost bounds a batch, so that it leaves in one write: of a part of a
	// batch the server would wait for the rest, and no time-out of an idle
	// session would run.
	batchMost = 256
	// guard is how long before the server can end a session it counts as lost
	// here, besides a hundredth of its idle time for clocks that differ.
	guard = 30 * time.Millisecond
)

var errSilent = errors.New("the server did not answer within the session's time")

// A session is a connection that holds locks, or listens. Nothing but the
// statements of this package runs on it, and no user's context reaches it:
// a cancelled query would end it with all its locks.
//
// One batch at a time is under way. Who finds none sends the next itself; who reads
// the answer sends the others: see reader.go.
type session struct {
	home     *backend
	conn     net.Conn
	class    int // of leases; −1: it listens
	pid      uint32
	timeline uint64
	done     chan struct{} // closed when the reader is gone
	users    atomic.Int64  // leases that are on it, or asked for
	gone     error         // guarded by home.mu: why its locks are lost

	mu       sync.Mutex
	idle     time.Duration // after which the server ends the session, or will soon
	queue    []*op
	gathers  bool     // somebody is about to send what is queued
	batch    []*group // under way, and not yet answered
	sent     time.Time
	target   time.Duration // what idle will be when all that is queued was answered
	fitted   time.Time     // when target was changed
	answered clock.Instant // when the newest batch that was answered had been sent
	asked    clock.Instant // when the newest batch was sent
	ended    error
	timer    *time.Timer
	later    *time.Timer // sends what could wait

	sending sync.Mutex // an answer may come before the write that it is to has returned
	buffer  []byte
	reading reading
}

// start has the session read and watched. answered is when the last message that
// the server answered was sent.
func (s *session) start(answered clock.Instant) {
	s.answered, s.asked = answered, answered
	s.mu.Lock()
	s.timer = time.AfterFunc(s.idle/12, s.tick)
	s.mu.Unlock()
	go s.read()
}

// patience is how long after the newest answered message was sent the server
// surely has not ended the session.
func (s *session) patience() time.Duration { return s.idle - s.idle/100 - guard }

// submit queues ops, and reports whether the session has not ended. The caller
// calls kick when it has let go of the backend's mutex.
func (s *session) submit(ops ...*op) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return false
	}
	for _, o := range ops {
		if o.lease != 0 {
			s.fit(o)
		}
		s.queue = append(s.queue, o)
	}
	return true
}

// fit has the idle time be that of the shortest lease on the session: what the
// server frees by itself, it frees no earlier than a lease's end, and no later
// than a lease after the last word of this process.
func (s *session) fit(o *op) {
	want := min(o.lease, idles[len(idles)-1]).Truncate(time.Millisecond)
	alone := s.users.Load() == 0
	if o.kind != ping && o.kind != confirm {
		s.users.Add(1)
	}
	now := time.Now()
	switch o.kind {
	case stand:
		return // it has nothing yet
	case confirm:
		s.confirm(o, want, now)
		return
	}
	if want == s.target || want > s.target && (!alone || now.Sub(s.fitted) < s.target) {
		return
	}
	s.target, s.fitted = want, now
	if want < s.idle {
		s.idle = want
		s.timer.Reset(0)
	}
	s.queue = append(s.queue, &op{kind: idle, number: want.Milliseconds(), then: func(o *op) {
		if o.err == nil {
			s.fits(want)
		}
	}})
}

// confirm sets the idle time with what was got by standing, which is all that is on
// the session.
func (s *session) confirm(o *op, want time.Duration, now time.Time) {
	o.number, s.target, s.fitted = want.Milliseconds(), want, now
	if want < s.idle {
		s.idle = want
		s.timer.Reset(0)
	}
	then := o.then
	o.then = func(o *op) {
		if o.err == nil {
			s.fits(want)
		}
		then(o)
	}
}

func (s *session) fits(want time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.target == want {
		s.idle = want
	}
}

// gather lets those run who were answered together: they come again together, and
// so go in one batch, as a token costs a flush for each. Where the last answer was
// for one alone there is nobody to let run, which would cost as much as the way to
// the server. It reports whether the session has not ended meanwhile. s.mu is held.
func (s *session) gather() bool {
	s.gathers = true
	s.mu.Unlock()
	runtime.Gosched()
	s.mu.Lock()
	s.gathers = false
	return s.ended == nil
}

// kick sends what is queued, unless a batch is under way. A caller that waits for
// the answer, and nothing else, may read it itself.
func (s *session) kick(caller bool) {
	s.mu.Lock()
	if s.gathers || s.batch != nil || s.ended != nil || len(s.queue) == 0 {
		s.mu.Unlock()
		return
	}
	if !s.reading.rests.Load() && !s.gather() {
		s.mu.Unlock()
		return
	}
	n := min(len(s.queue), batchMost)
	s.batch = groups(s.queue[:n], s.home.options.fencing)
	s.queue = slices.Delete(s.queue, 0, n)
	s.sent = time.Now()
	s.asked = clock.At(s.sent)
	for _, g := range s.batch {
		for _, o := range g.ops {
			o.sent, o.by = s.sent, s
		}
	}
	batch, deadline := s.batch, s.sent.Add(s.idle)
	s.mu.Unlock()
	own := caller && n == 1 && s.reading.take()
	if err := s.write(batch, deadline); err != nil {
		s.fail(err)
	}
	if own {
		s.readOwn()
	} else {
		s.rouse()
	}
}

func (s *session) write(batch []*group, deadline time.Time) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	b := s.buffer[:0]
	var err error
	for _, g := range batch {
		if b, err = g.appendTo(b, s.home); err != nil {
			return err
		}
	}
	s.buffer = b
	_ = s.conn.SetWriteDeadline(deadline) // a connection that has none fails below
	_, err = s.conn.Write(b)
	return err
}

// mostPatient is for how long an op waits at most for others to go with.
const mostPatient = 2 * time.Millisecond

// soon sends what is queued when something else is sent, or in a moment.
func (s *session) soon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.later == nil {
		s.later = time.AfterFunc(mostPatient, func() { s.kick(false) })
		return
	}
	s.later.Reset(mostPatient)
}

// groups sorts ops by kind, those that share no statement apart.
func groups(ops []*op, fencing bool) []*group {
	var byKind [kinds]*group
	var all []*group
	for _, o := range ops {
		apart := o.alone || o.kind == special || o.kind == permit || o.kind == idle || o.kind >= stand
		g := byKind[o.kind]
		if g == nil || apart {
			g = &group{kind: o.kind}
			all = append(all, g)
			if !apart {
				byKind[o.kind] = g
			}
		}
		g.ops = append(g.ops, o)
	}
	slices.SortStableFunc(all, func(a, b *group) int { return int(a.kind) - int(b.kind) })
	if fencing {
		for i, g := range slices.Backward(all) {
			if g.kind == enter || g.kind == permit {
				all = slices.Insert(all, i+1, &group{kind: token, ops: g.ops, first: g})
			}
		}
	}
	return all
}

// finish hands out answers: what gives back does not wait for the flush of a token
// that is asked for in the same batch. After the last, the next batch is sent.
func (s *session) finish(answered []*group) {
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	if s.batch = s.batch[len(answered):]; len(s.batch) == 0 {
		s.batch = nil
	}
	s.answered = clock.At(s.sent)
	s.mu.Unlock()
	for _, g := range answered {
		if g.err == nil {
			g.err = g.settle(s.timeline)
		}
		if g.first != nil && g.err != nil && g.first.err == nil {
			g.first.err = g.err // without a token nobody comes in
		}
	}
	s.home.answered(s, answered)
	s.kick(false)
}

// tick keeps the session alive, and ends it when it may be over on the server.
func (s *session) tick() {
	now := clock.Now()
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	left := s.patience() - now.Since(s.answered)
	if left <= 0 {
		s.mu.Unlock()
		s.fail(errSilent)
		return
	}
	next := s.idle/3 - now.Since(s.asked)
	if next <= 0 {
		if s.batch == nil && len(s.queue) == 0 {
			s.queue = append(s.queue, &op{kind: ping})
		}
		next = s.idle / 12
	}
	s.timer.Reset(min(left, next))
	s.mu.Unlock()
	s.kick(false)
}

// fail ends the session, once: its locks are lost.
func (s *session) fail(err error) {
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	s.ended = err
	s.timer.Stop()
	if s.later != nil {
		s.later.Stop()
	}
	sent, unsent := s.batch, s.queue
	s.batch, s.queue = nil, nil
	s.mu.Unlock()
	_ = s.conn.Close() // what can't be closed is closed by the server
	s.home.ended(s, err, sent, unsent)
}

// close ends a session that is not needed any more. Its locks are given back.
func (s *session) close() {
	s.mu.Lock()
	if s.ended == nil && s.batch == nil {
		b, _ := (&pgproto3.Terminate{}).Encode(nil) // has no way to fail
		_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = s.conn.Write(b) // the end of the connection says the same
	}
	s.mu.Unlock()
	s.fail(errClosed)
	<-s.done
}

var errClosed = errors.New("the store was closed")
