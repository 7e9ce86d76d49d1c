package locks

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// passFor is how long a lease may go from hand to hand inside one process
// before it is given back, so that other processes get their turn.
const passFor = 10 * time.Millisecond

// lines are the waiters of a space: those for one key in one mode stand in one
// line, first come first served, and only its head asks the store. While the
// holder is of this process and got the lease through the line, the head does
// not ask either, at first: the holder passes its lease on.
type lines struct {
	space  *space
	seed   maphash.Seed
	shards [16]lineShard
}

type lineShard struct {
	mu     sync.Mutex
	lines  map[lineKey]*line
	closed bool
}

type lineKey struct {
	key  string
	mode driver.Mode
}

// A line's fields are guarded by its shard's mutex.
type line struct {
	lineKey
	shard  *lineShard
	queue  queue
	holder *lease // exclusive, got through this line; nil: none
	stored int64  // when the store granted what the holder has, Mono
	kick   *time.Timer
	kickAt int64  // the grant, by stored, after which kick is set; 0: it is not
	local  *local // nil: a store is behind the line
}

func (ls *lines) init(sp *space) {
	ls.space, ls.seed = sp, maphash.MakeSeed()
}

// quiet reports that nobody waits for key, nor for those that share its mutex.
func (ls *lines) quiet(key string) bool {
	shard := ls.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	return len(shard.lines) == 0
}

func (ls *lines) shard(key string) *lineShard {
	return &ls.shards[maphash.String(ls.seed, key)%uint64(len(ls.shards))]
}

// join puts a waiter at the end of the line, and reports whether it is to ask
// the store at once: it is the first, and nobody here will pass the lease on.
func (ls *lines) join(key string, mode driver.Mode, w *waiting) (ln *line, ask bool, err error) {
	k := lineKey{key, mode}
	shard := ls.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.closed {
		return nil, false, ErrClosed
	}
	ln = shard.lines[k]
	if ln == nil {
		ln = &line{lineKey: k, shard: shard}
		if shard.lines == nil {
			shard.lines = make(map[lineKey]*line)
		}
		shard.lines[k] = ln
	}
	ln.queue.push(w)
	if ln.queue.first == w {
		ask = ln.headAsks()
		w.asking = ask
	}
	return ln, ask, nil
}

// close refuses who comes, and ends the waits of all who do not ask the store.
func (ls *lines) close() {
	for i := range ls.shards {
		shard := &ls.shards[i]
		shard.mu.Lock()
		shard.closed = true
		for _, ln := range shard.lines {
			for w := ln.queue.first; w != nil; {
				next := w.next
				if !w.asking {
					ln.queue.remove(w)
					w.turn <- closedTurn
				}
				w = next
			}
			ln.settle()
		}
		shard.mu.Unlock()
	}
}

// settle tells the head to ask the store, if it is to, and forgets a line that
// is empty. Every change of the head or the holder ends with it.
func (ln *line) settle() {
	head := ln.queue.first
	switch {
	case ln.local != nil:
		ln.settleLocal()
	case head == nil && ln.holder == nil:
		// A kick that comes as the line ends may find another in its place.
		if ln.shard.lines[ln.lineKey] == ln {
			delete(ln.shard.lines, ln.lineKey)
		}
		if ln.kick != nil {
			ln.kick.Stop()
		}
	case head != nil && !head.asking && ln.headAsks():
		head.asking = true
		head.turn <- askTurn
	}
}

// headAsks reports whether the head is to ask the store: at once or, while a
// lease may still be passed on to it, when that time is over.
func (ln *line) headAsks() bool {
	if ln.holder == nil {
		return true
	}
	if ln.kickAt == ln.stored {
		return false // set already, for this grant
	}
	wait := ln.stored + int64(passFor) - clock.Now().Mono
	if wait <= 0 {
		return true
	}
	ln.kickAt = ln.stored
	ln.kickIn(time.Duration(wait))
	return false
}

// kickIn has the line looked at again after d.
func (ln *line) kickIn(d time.Duration) {
	if ln.kick != nil {
		ln.kick.Reset(d)
	} else {
		ln.kick = time.AfterFunc(d, ln.kicked)
	}
}

func (ln *line) kicked() {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	ln.kickAt = 0
	ln.settle()
}

// granted takes the head, which the store gave l, out of the line.
func (ln *line) granted(w *waiting, l *lease) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	ln.queue.remove(w)
	if l.line == ln && l.state.Load() == held { // else it was lost since, and left already
		ln.holder, ln.stored = l, l.got.Mono
	}
	ln.settle()
}

// crowded reports whether others wait behind the head.
func (ln *line) crowded(head *waiting) bool {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	return head.next != nil
}

// quit takes out a waiter that gave up. A lease that was passed to it at that
// moment is returned, for the caller to give away.
func (ln *line) quit(w *waiting) *lease {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	select {
	case l := <-w.turn:
		switch l {
		case askTurn:
		case closedTurn:
			return nil // close took w out of the queue, pass below
		default:
			return l
		}
	default:
	}
	ln.queue.remove(w)
	ln.settle()
	return nil
}

// leave says that l, which was lost, will not be passed on.
func (ln *line) leave(l *lease) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	if ln.holder == l {
		ln.holder = nil
		ln.settle()
	}
}
