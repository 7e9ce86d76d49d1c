package postgres

import (
	"math"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A flag is a mark on the server that says that this process waits for a key: a
// lock that all who wait share, so that whoever releases can't have it alone.
type flag struct {
	on     *session // that it is on; nil: it is not set
	number int64    // of its lock
	busy   bool     // it is being set
	fails  int      // in a row
}

func (f *flag) clear() bool { return f.on == nil && !f.busy }

// setFlags sets an entry's marks, or takes them away. They are set when the
// first in line has found the key held, who then looks again: whoever released
// it before saw no mark.
func (b *backend) setFlags(e *entry) {
	waits := len(e.line) > 0 && (e.line[0].looked || e.excludes(e.line[0].request.Mode)) && !e.isMine()
	b.setFlag(e, &e.waiting, e.at.wait, waits)
	b.setFlag(e, &e.writing, e.at.writer, waits && e.writerInLine())
	if waits {
		number, have := b.turn(e)
		room := e.turn.on != nil || b.places < b.most/2 // it is not needed
		b.setFlag(e, &e.turn, number, have && room && (e.turn.on == nil || e.turn.number == number))
		return
	}
	b.setFlag(e, &e.turn, 0, false)
}

// isMine reports whether this process holds the key alone: then nobody else can
// release it, nor come in.
func (e *entry) isMine() bool {
	return len(e.leases) == 1 && e.leases[0].mode == driver.Exclusive
}

// unmarked is how many wait in this process without a mark on the server.
func (e *entry) unmarked() int32 {
	if !e.isMine() {
		return 0
	}
	return int32(min(len(e.line), math.MaxInt32))
}

// Marks that could not be set, because somebody looks whether they are, are set
// again at once a few times, and then after a pause.
const (
	mostFails = 5
	failPause = 5 * time.Millisecond
)

func (b *backend) setFlag(e *entry, f *flag, number int64, want bool) {
	switch {
	case f.busy || want == (f.on != nil):
	case want && b.places < b.most:
		class := classOf(e.line[0].request.Lease)
		b.places++
		f.busy, f.number = true, number
		b.submit(class, &op{kind: mark, at: &e.at, number: number, then: func(o *op) { b.flagged(e, f, o) }})
	case !want:
		s := f.on
		f.on = nil
		b.submitSoon(s, &op{kind: unshare, at: &e.at, number: f.number, then: func(*op) { b.places-- }})
	}
}

func (b *backend) flagged(e *entry, f *flag, o *op) {
	f.busy = false
	if o.done() {
		f.on, f.fails = o.by, 0
		if f == &e.waiting {
			b.look(e)
		} else {
			b.advance(e)
		}
		return
	}
	b.places--
	if f.fails++; o.err == nil && f.fails < mostFails {
		b.wake(e)
		return
	}
	f.fails = 0
	if len(e.line) > 0 {
		pause := failPause
		if o.err != nil {
			pause = awayPause
		}
		b.arm(e, pause)
	}
	// Not set again now: advance would do it at once.
	if e.unused() {
		b.advance(e)
	}
}
