package locks

import (
	"container/list"
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
	mu    sync.Mutex
	lines map[lineKey]*line
}

type lineKey struct {
	key  string
	mode driver.Mode
}

// A line's fields are guarded by its shard's mutex.
type line struct {
	lineKey
	lines  *lines
	shard  *lineShard
	queue  list.List // of *waiting
	holder *lease    // exclusive, got through this line; nil: none
	kick   *time.Timer
	kickAt int64
}

// waiting is one Acquire that waits.
type waiting struct {
	set    *settings
	turn   chan *lease // a lease passed on, or nil: ask the store
	asking bool        // was told to ask
	place  *list.Element
}

func (ls *lines) init(sp *space) {
	ls.space, ls.seed = sp, maphash.MakeSeed()
	for i := range ls.shards {
		ls.shards[i].lines = make(map[lineKey]*line)
	}
}

// join puts a waiter at the end of the line, and tells it to ask the store if
// it is the first and nobody here will pass the lease on.
func (ls *lines) join(key string, mode driver.Mode, set *settings) (*line, *waiting) {
	k := lineKey{key, mode}
	shard := &ls.shards[maphash.String(ls.seed, key)%uint64(len(ls.shards))]
	w := &waiting{set: set, turn: make(chan *lease, 1)}
	shard.mu.Lock()
	defer shard.mu.Unlock()
	ln := shard.lines[k]
	if ln == nil {
		ln = &line{lineKey: k, lines: ls, shard: shard}
		shard.lines[k] = ln
	}
	w.place = ln.queue.PushBack(w)
	ln.wakeHead()
	return ln, w
}

// wakeHead tells the head to ask the store, at once or, while a lease may
// still be passed on to it, when that time is over. The shard is locked.
func (ln *line) wakeHead() {
	first := ln.queue.Front()
	if first == nil {
		if ln.holder == nil {
			delete(ln.shard.lines, ln.lineKey)
			if ln.kick != nil {
				ln.kick.Stop()
			}
		}
		return
	}
	head := first.Value.(*waiting)
	if head.asking {
		return
	}
	if ln.holder != nil {
		if wait := ln.holder.stored + int64(passFor) - clock.Now().Mono; wait > 0 {
			ln.kickAfter(wait)
			return
		}
	}
	head.asking = true
	head.turn <- nil
}

// kickAfter has the head looked at again after d nanoseconds.
func (ln *line) kickAfter(d int64) {
	at := ln.holder.stored
	if ln.kickAt == at {
		return // set already, for this grant
	}
	ln.kickAt = at
	if ln.kick != nil {
		ln.kick.Reset(time.Duration(d))
		return
	}
	ln.kick = time.AfterFunc(time.Duration(d), func() {
		ln.shard.mu.Lock()
		defer ln.shard.mu.Unlock()
		ln.kickAt = 0
		ln.wakeHead()
	})
}

// granted takes the head, which the store gave l, out of the line.
func (ln *line) granted(w *waiting, l *lease) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	ln.queue.Remove(w.place)
	if l.mode == driver.Exclusive {
		l.line, ln.holder = ln, l
	}
	ln.wakeHead()
}

// quit takes out a waiter that gave up. A lease that was passed to it at that
// moment is returned, for the caller to give away.
func (ln *line) quit(w *waiting) *lease {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	select {
	case l := <-w.turn:
		if l != nil {
			return l // pass took w out of the queue
		}
	default:
	}
	ln.queue.Remove(w.place)
	ln.wakeHead()
	return nil
}

// leave says that l, which was lost, will not be passed on.
func (ln *line) leave(l *lease) {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	if ln.holder == l {
		ln.holder = nil
		ln.wakeHead()
	}
}

// pass gives the lease that l was to the head of the line, if it has one that
// does not ask the store already and the lease may be passed on. l is over.
func (ln *line) pass(l *lease) bool {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	first := ln.queue.Front()
	if ln.holder != l || first == nil {
		return false
	}
	head := first.Value.(*waiting)
	now := clock.Now()
	if head.asking || head.set.label != l.set.label || !l.passable(now) {
		return false
	}
	next := l.heir(now)
	next.line, ln.holder = ln, next
	ln.queue.Remove(head.place)
	head.turn <- next
	ln.wakeHead()
	return true
}

// passable reports whether the lease may go to another holder here: it has a
// spare token, was got from the store a short time ago, and is fresh enough to
// need no renewal yet.
func (l *lease) passable(now clock.Instant) bool {
	if l.spare == 0 || l.set.keep || l.set.minHold > 0 || now.Mono-l.stored >= int64(passFor) {
		return false
	}
	length, _ := l.set.terms(l.space.lease)
	return length == Forever || l.endMono.Load()-now.Mono > int64(length/2) && !l.ended(now)
}

// heir returns the lease that follows l with the next token.
func (l *lease) heir(now clock.Instant) *lease {
	next := &lease{
		space: l.space, set: l.set, key: l.key, owner: l.owner, mode: l.mode,
		token: l.token, spare: l.spare - 1, stored: l.stored, got: now,
		length: l.length, renewed: l.renewed,
	}
	if l.token != 0 {
		next.token++
	}
	next.endMono.Store(l.endMono.Load())
	next.endWall.Store(l.endWall.Load())
	return next
}
