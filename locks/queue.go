package locks

import "weak"

// A waiting is one Acquire that waits: its place in a line, and what the lease
// must know that is passed on to it.
type waiting struct {
	*binding
	self weak.Pointer[Lock] // zero for Do

	// turn gets one lease that was passed on, askTurn or closedTurn.
	turn   chan *lease
	asking bool // was told to ask the store

	prev, next *waiting
}

// What a waiting is told instead of being given a lease.
var (
	askTurn    = new(lease) // ask the store
	closedTurn = new(lease) // the registry is shut down
)

// A queue is waiters in the order in which they came.
type queue struct {
	first, last *waiting
}

func (q *queue) push(w *waiting) {
	w.prev = q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *queue) remove(w *waiting) {
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
	w.prev, w.next = nil, nil
}
