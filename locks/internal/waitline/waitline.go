// Package waitline puts the waiters of one process for one key and mode into one line,
// first come first served, so that only its head asks the store. While the holder is in
// this process and got its lease through the line, the head does not ask at first
// either: the holder may hand its lease on.
package waitline

import (
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/internal/fifo"
)

// HandOffFor is how long a lease may go from hand to hand inside one process
// before it is given back, so that other processes get their turn.
const HandOffFor = 10 * time.Millisecond

// A Turn is what a waiter is told.
type Turn int

// The turns.
const (
	Ask    Turn = iota + 1 // ask the store
	Handed                 // take over the lease that comes with it
	Closed                 // the lines are closed
)

// A Notice tells a waiter its turn, with the lease where that is Handed.
type Notice[L any] struct {
	Turn  Turn
	Lease L
}

// A Waiter is one that waits: W is what its lease must be made of, L a lease. It
// is in one line at a time.
type Waiter[W, L comparable] struct {
	For    W
	Notice chan Notice[L] // gets one turn

	elem   fifo.Element[*Waiter[W, L]]
	asking bool // was told to ask the store
}

// Init makes w, which stands in no line yet, a waiter for what waiting is.
func (w *Waiter[W, L]) Init(waiting W) {
	w.For, w.Notice = waiting, make(chan Notice[L], 1)
}

// Lines are the lines of one store.
type Lines[W, L comparable] struct {
	seed   maphash.Seed
	shards [16]shard[W, L]
}

type shard[W, L comparable] struct {
	mu     sync.Mutex
	lines  map[key]*Line[W, L]
	closed bool
}

type key struct {
	key  string
	mode driver.Mode
}

// A Line is who waits for one key in one mode. Its shard's mutex guards it.
type Line[W, L comparable] struct {
	key
	shard  *shard[W, L]
	queue  fifo.List[*Waiter[W, L]]
	asking int   // how many ask the store
	width  int   // how many may ask it together
	holder L     // exclusive, got through this line; zero: none
	stored int64 // when the store granted what the holder has, Mono
	kick   *time.Timer
	kickAt int64 // the grant, by stored, after which kick is set; 0: it is not
	word   Word

	// storeWaits is how many calls wait in the store that were told that the key is held.
	storeWaits int
}

// A Word is what was last heard of a key: that another holds it, or why the store
// could not say so.
type Word struct {
	Err     error
	At      int64 // when, Mono
	Current bool  // a call that still waits in the store was told so: At does not matter
}

// New returns lines that nobody stands in.
func New[W, L comparable]() *Lines[W, L] { return &Lines[W, L]{seed: maphash.MakeSeed()} }

// Quiet reports that nobody waits for key, nor for those that share its mutex.
func (ls *Lines[W, L]) Quiet(k string) bool {
	s := ls.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines) == 0
}

// Empty reports that nobody waits for k in mode.
func (ls *Lines[W, L]) Empty(k string, mode driver.Mode) bool {
	s := ls.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[key{k, mode}] == nil
}

// Word returns what was last heard of k in the line for mode.
func (ls *Lines[W, L]) Word(k string, mode driver.Mode) Word {
	s := ls.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ln := s.lines[key{k, mode}]; ln != nil {
		w := ln.word
		w.Current = ln.storeWaits > 0
		return w
	}
	return Word{}
}

// Holder returns the lease on k that was got through its line, and whether there is
// one.
func (ls *Lines[W, L]) Holder(k string) (holder L, ok bool) {
	s := ls.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ln := s.lines[key{k, driver.Exclusive}]; ln != nil {
		holder = ln.holder
	}
	var none L
	return holder, holder != none
}

func (ls *Lines[W, L]) shard(k string) *shard[W, L] {
	return &ls.shards[maphash.String(ls.seed, k)%uint64(len(ls.shards))]
}

// Join puts w at the end of the line for k in mode, and reports whether it is to
// ask the store at once: it is the first, and nobody here will hand a lease on. It
// returns nil after Close.
func (ls *Lines[W, L]) Join(k string, mode driver.Mode, w *Waiter[W, L]) (ln *Line[W, L], ask bool) {
	s := ls.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	at := key{k, mode}
	ln = s.lines[at]
	if ln == nil {
		ln = &Line[W, L]{key: at, shard: s, width: 1}
		if s.lines == nil {
			s.lines = make(map[key]*Line[W, L])
		}
		s.lines[at] = ln
	}
	w.elem.Value, w.asking = w, false
	ln.queue.Push(&w.elem)
	if ln.asking < ln.width && ln.next() == w && ln.mayAsk() {
		ln.asks(w)
		return ln, true
	}
	return ln, false
}

// Close refuses who comes, and ends the waits of all who do not ask the store.
func (ls *Lines[W, L]) Close() {
	for i := range ls.shards {
		s := &ls.shards[i]
		s.mu.Lock()
		s.closed = true
		for _, ln := range s.lines {
			for e := ln.queue.First(); e != nil; {
				w := e.Value
				e = e.Next()
				if !w.asking {
					ln.queue.Remove(&w.elem)
					w.Notice <- Notice[L]{Turn: Closed}
				}
			}
			ln.dispatch()
		}
		s.mu.Unlock()
	}
}

// next returns the first waiter that does not ask the store, nil if all do. The asking
// ones are at the front, because they are told to ask in order.
func (ln *Line[W, L]) next() *Waiter[W, L] {
	for e := ln.queue.First(); e != nil; e = e.Next() {
		if !e.Value.asking {
			return e.Value
		}
	}
	return nil
}

// dispatch tells as many waiters to ask the store as may, and forgets a line that is
// empty. Every change of the line ends with it.
func (ln *Line[W, L]) dispatch() {
	var none L
	if ln.queue.Len() == 0 && ln.holder == none {
		// A kick that comes as the line ends may find another in its place.
		if ln.shard.lines[ln.key] == ln {
			delete(ln.shard.lines, ln.key)
		}
		if ln.kick != nil {
			ln.kick.Stop()
		}
		return
	}
	for e := ln.queue.First(); e != nil && ln.asking < ln.width; e = e.Next() {
		if w := e.Value; !w.asking {
			if !ln.mayAsk() {
				return
			}
			ln.asks(w)
			w.Notice <- Notice[L]{Turn: Ask}
		}
	}
}

func (ln *Line[W, L]) asks(w *Waiter[W, L]) {
	w.asking = true
	ln.asking++
}

// mayAsk reports whether the head is to ask the store: at once or, while a lease
// may still be handed on to it, when that time is over.
func (ln *Line[W, L]) mayAsk() bool {
	var none L
	if ln.holder == none {
		return true
	}
	if ln.kickAt == ln.stored {
		return false // set already, for this grant
	}
	wait := ln.stored + int64(HandOffFor) - clock.Now().Mono
	if wait <= 0 {
		return true
	}
	ln.kickAt = ln.stored
	if ln.kick != nil {
		ln.kick.Reset(time.Duration(wait))
	} else {
		ln.kick = time.AfterFunc(time.Duration(wait), ln.kicked)
	}
	return false
}

func (ln *Line[W, L]) kicked() {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	ln.kickAt = 0
	ln.dispatch()
}

// remove takes w out of the queue.
func (ln *Line[W, L]) remove(w *Waiter[W, L]) {
	if ln.queue.Remove(&w.elem) && w.asking {
		ln.asking--
	}
	w.asking = false
}

// Granted takes w, to which the store granted the key, out of the line. In a mode that
// several can hold together, the others ask together from now on. holder, if it is not
// zero, is the lease that w got and may hand on: stored is when the store granted it,
// Mono. holds is called with the line locked, and reports whether the lease is still
// held.
func (ln *Line[W, L]) Granted(w *Waiter[W, L], holder L, stored int64, holds func() bool) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	ln.remove(w)
	var none L
	switch {
	case ln.mode == driver.Shared:
		ln.width = math.MaxInt
	case ln.mode != driver.Exclusive:
		ln.width = ln.mode.Slots()
	}
	if holder != none && holds() { // else it was lost since, and left already
		ln.holder, ln.stored = holder, stored
	}
	ln.dispatch()
}

// Crowded reports whether others wait behind w.
func (ln *Line[W, L]) Crowded(w *Waiter[W, L]) bool {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	return w.elem.Next() != nil
}

// Quit takes out a waiter that gives up. A lease that was handed to it at that
// moment is returned, for the caller to give away.
func (ln *Line[W, L]) Quit(w *Waiter[W, L]) (handed L) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	select {
	case t := <-w.Notice:
		if t.Turn == Handed {
			return t.Lease
		}
	default:
	}
	ln.remove(w)
	ln.dispatch()
	return handed
}

// Leave says that l, which ended, will not be handed on.
func (ln *Line[W, L]) Leave(l L) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	if ln.holder == l {
		var none L
		ln.holder = none
		ln.dispatch()
	}
}

// HandOff gives what l was to the head of the line, if there is one that does not
// ask the store already, and successor makes a lease for it. successor is called
// with the line locked; it is told when the store granted the lease, and returns
// zero if the lease may not be handed on.
func (ln *Line[W, L]) HandOff(l L, successor func(to W, stored int64) L) bool {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	first := ln.queue.First()
	if ln.holder != l || first == nil || first.Value.asking {
		return false
	}
	w := first.Value
	var none L
	next := successor(w.For, ln.stored)
	if next == none {
		return false
	}
	ln.holder = next
	ln.remove(w)
	w.Notice <- Notice[L]{Handed, next}
	ln.dispatch()
	return true
}

// Heard notes what was heard of the key, for every waiter's error.
func (ln *Line[W, L]) Heard(err error) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	ln.word = Word{Err: err, At: clock.Mono()}
}

// AddStoreWaits notes that n more calls wait in the store that were told that the key is
// held; fewer, if n is negative.
func (ln *Line[W, L]) AddStoreWaits(n int) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	if ln.storeWaits > 0 { // what was said was true until now
		ln.word.At = clock.Mono()
	}
	ln.storeWaits += n
}

// Says returns who holds the key of those who got it through the line, zero if
// nobody does, and what was last heard of it.
func (ln *Line[W, L]) Says() (holder L, w Word) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	w = ln.word
	w.Current = ln.storeWaits > 0
	return ln.holder, w
}
