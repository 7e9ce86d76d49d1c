package wakeup

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// A Waiter is one Acquire that waits.
type Waiter struct {
	number uint32

	Name string        // in the queue, on the server
	Wake chan struct{} // has room for one: it is to look again

	handedOff atomic.Uint64
}

// HandedOff returns the token, as the scripts count, of the lease that was handed off
// to the waiter last; 0: none was.
func (w *Waiter) HandedOff() uint64 { return w.handedOff.Load() }

// wake has the waiter look again.
func (w *Waiter) wake() {
	select {
	case w.Wake <- struct{}{}:
	default: // it is to look again already
	}
}

// waiters are those of one store, by their numbers.
type waiters struct {
	mu   sync.Mutex
	all  map[uint32]*Waiter
	last uint32
}

// enter makes a waiter, whose name is the channel and its number.
func (ws *waiters) enter(channel string) *Waiter {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.last++
	for ws.all[ws.last] != nil {
		ws.last++ // it went round
	}
	w := &Waiter{number: ws.last, Wake: make(chan struct{}, 1)}
	w.Name = string(binary.BigEndian.AppendUint32([]byte(channel), w.number))
	if ws.all == nil {
		ws.all = make(map[uint32]*Waiter)
	}
	ws.all[w.number] = w
	return w
}

func (ws *waiters) exit(w *Waiter) {
	ws.mu.Lock()
	delete(ws.all, w.number)
	ws.mu.Unlock()
}

// any reports whether somebody waits.
func (ws *waiters) any() bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.all) > 0
}

// wakeAll has all look again.
func (ws *waiters) wakeAll() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.all {
		w.wake()
	}
}

// tell tells a waiter that its turn has come, with the token of the lease that was
// handed off to it, if one was.
func (ws *waiters) tell(number uint32, token uint64) {
	ws.mu.Lock()
	w := ws.all[number]
	ws.mu.Unlock()
	if w == nil {
		return // it left, and what was handed off to it is given back
	}
	if token != 0 {
		w.handedOff.Store(token)
	}
	w.wake()
}
