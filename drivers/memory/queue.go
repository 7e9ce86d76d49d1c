package memory

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A queue is who waits for a key, first come first served, and the timer that
// ends the leases they wait for. It is there while somebody waits.
type queue struct {
	waiters list.List // of *waiter
	timer   *time.Timer
	armed   int64 // when timer fires; 0: it does not
}

// A waiter is one Acquire. Its fields are set before done is closed.
type waiter struct {
	request driver.Request
	store   *Store
	place   *list.Element // nil: not in the queue any more
	done    chan struct{}
	grant   driver.Grant
	err     error
}

// Acquire is TryAcquire, but waits in line while the key is held.
func (s *Store) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, w, err := s.take(ctx, &r, true)
	if w == nil {
		return g, err
	}
	select {
	case <-w.done:
		return w.grant, w.err
	case <-ctx.Done():
		return s.giveUp(ctx, w)
	}
}

// join puts a waiter at the end of e's queue.
func (e *entry) join(s *Store, r *driver.Request) *waiter {
	w := &waiter{request: *r, store: s, done: make(chan struct{})}
	if e.queue == nil {
		e.queue = new(queue)
	}
	w.place = e.queue.waiters.PushBack(w)
	return w
}

// giveUp takes w out of the queue. A lease that it was granted at that moment
// goes to the next.
func (s *Store) giveUp(ctx context.Context, w *waiter) (driver.Grant, error) {
	sh := s.backend.shard(w.request.Key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.backend.now()
	e := sh.entries[w.request.Key]
	if w.place == nil && w.err != nil {
		return driver.Grant{}, w.err
	}
	if w.place == nil && e != nil {
		if i := e.find(w.request.Owner); i >= 0 {
			e.remove(i)
		}
	} else if w.place != nil {
		e.queue.waiters.Remove(w.place)
		w.place = nil
	}
	if e != nil {
		sh.settle(e, now)
	}
	return driver.Grant{}, errors.Join(driver.ErrHeld, context.Cause(ctx))
}

// settle grants e to those at the head of its queue for whom there is room,
// sets the timer for the rest, and forgets e if nobody is left. Every change
// of holders or queue ends with it: as long as somebody waits, there is no
// room for the first.
func (s *shard) settle(e *entry, now int64) {
	q := e.queue
	if q == nil {
		s.drop(e)
		return
	}
	for first := q.waiters.Front(); first != nil; first = q.waiters.Front() {
		w := first.Value.(*waiter)
		if !e.fits(w.request.Mode) {
			break
		}
		w.grant = e.grant(w.store, &w.request, time.Now(), now)
		q.leave(w)
	}
	if q.waiters.Len() == 0 {
		if q.timer != nil {
			q.timer.Stop()
		}
		e.queue = nil
		s.drop(e)
		return
	}
	s.arm(e, now)
}

// leave takes w out and wakes it.
func (q *queue) leave(w *waiter) {
	q.waiters.Remove(w.place)
	w.place = nil
	close(w.done)
}

// arm sets the timer to the first end of a lease. A timer that is set earlier
// is left alone: it finds nothing and is set again.
func (s *shard) arm(e *entry, now int64) {
	q, end := e.queue, never
	for i := range e.holders {
		end = min(end, e.holders[i].until)
	}
	if end == never || q.armed != 0 && q.armed <= end {
		return
	}
	q.armed = end
	d := time.Duration(end - now)
	if q.timer != nil {
		q.timer.Reset(d)
		return
	}
	q.timer = time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.queue != q { // e is used for another key by now
			return
		}
		q.armed = 0
		now := s.backend.now()
		e.expire(now)
		s.settle(e, now)
	})
}
