package memory

import (
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// A queue is who waits for a key, first come, first served, and the timer that
// ends the leases they wait for. It is there while somebody waits.
type queue struct {
	first, last *waiter
	length      int

	timer *time.Timer // nil until a lease with an end is waited for
	armed int64       // when it fires; 0: it does not
}

// A waiter is one Acquire. grant and err are set before done is closed, and
// never change then.
type waiter struct {
	request    driver.Request
	store      *Store
	since      int64 // when it came, as in moment
	prev, next *waiter
	queued     bool // guarded by the shard's mutex
	done       chan struct{}
	grant      driver.Grant
	err        error
}

// outcome is what Acquire returns once done is closed. A lease that was granted
// while the store was being closed is released by Close.
func (w *waiter) outcome() (driver.Grant, error) {
	if w.err == nil && w.store.closed.Load() {
		return driver.Grant{}, driver.ErrClosed
	}
	return w.grant, w.err
}

func (q *queue) push(w *waiter) {
	w.queued = true
	w.prev = q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.length++
}

func (q *queue) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.length--
}

// wake takes w, whose outcome is set, out of the queue and tells it.
func (q *queue) wake(w *waiter) {
	q.remove(w)
	close(w.done)
}

// join puts a waiter at the end of e's queue.
func (s *shard) join(e *entry, st *Store, r *driver.Request, m moment) *waiter {
	w := &waiter{request: *r, store: st, since: m.ns, done: make(chan struct{})}
	if e.queue == nil {
		e.queue = new(queue)
	}
	e.queue.push(w)
	s.arm(e)
	return w
}

// giveUp takes w out of the queue because of err, and tells who held the key.
// What it was granted at that moment goes to the next.
func (s *shard) giveUp(w *waiter, err error) (driver.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.queued && w.err != nil {
		return driver.Grant{}, w.err
	}
	e := s.lookup(w.request.Key)
	switch {
	case w.queued:
		err = errors.Join(e.held(w.request.Mode, s.backend.now()), err)
		e.queue.remove(w)
		s.settle(e)
		return driver.Grant{}, err
	case e != nil:
		if i := e.find(w.request.Owner); i >= 0 {
			e.remove(i)
			s.settle(e)
		}
	}
	return driver.Grant{}, errors.Join(driver.ErrHeld, err)
}

// settle grants e to those at the head of its queue for whom there is room,
// sees to the timer for the rest, and forgets e if nobody is left. Every change
// that makes room or changes the head of the queue ends with it.
func (s *shard) settle(e *entry) {
	q := e.queue
	if q == nil {
		if len(e.leases) == 0 {
			s.drop(e)
		}
		return
	}
	for m := (moment{}); q.first != nil && e.serves(q.first); {
		if m.t.IsZero() {
			m = s.backend.now() // one for all: they are granted under one lock
		}
		w := q.first
		w.grant, w.err = e.admit(w, m)
		q.wake(w)
	}
	if q.first == nil {
		q.stop()
		e.queue = nil
		if len(e.leases) == 0 {
			s.drop(e)
		}
		return
	}
	s.arm(e)
}

// serves reports whether w need not wait any more: there is room for it, or its
// owner holds the key already, having waited twice.
func (e *entry) serves(w *waiter) bool {
	return e.fits(w.request.Mode) || e.find(w.request.Owner) >= 0
}

// admit grants what w asks for: again, if its owner holds the key already.
func (e *entry) admit(w *waiter, m moment) (driver.Grant, error) {
	i := e.find(w.request.Owner)
	switch {
	case i < 0:
		return e.grant(w.store, &w.request, m), nil
	case e.leases[i].mode != w.request.Mode:
		return driver.Grant{}, e.leases[i].otherMode(w.request.Mode)
	}
	e.renew(i, end(m.ns, w.request.Lease))
	return driver.Grant{Token: e.leases[i].token, Spare: spare, Sent: m.t}, nil
}

// renew makes a lease end at until, for whoever waits for it too.
func (s *shard) renew(e *entry, i int, until int64) {
	e.renew(i, until)
	if e.queue != nil {
		s.arm(e)
	}
}

// arm has the timer go off when the first lease may end. A timer that goes off
// earlier is left alone: it finds nothing, and is set again then.
func (s *shard) arm(e *entry) {
	q := e.queue
	if e.soonest == never || q.armed != 0 && q.armed <= e.soonest {
		return
	}
	q.armed = e.soonest
	d := time.Duration(e.soonest - clock.Mono())
	if q.timer == nil {
		q.timer = time.AfterFunc(d, func() { s.fire(e, q) })
	} else {
		q.timer.Reset(d)
	}
}

// fire ends the leases of e that have ended. e may be another key's by now:
// then q is not its queue any more.
func (s *shard) fire(e *entry, q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.queue != q {
		return
	}
	q.armed = 0
	if now := clock.Mono(); now >= e.soonest {
		e.expire(now)
	}
	s.settle(e)
}

func (q *queue) stop() {
	if q.timer != nil {
		q.timer.Stop()
	}
}
