package locks

import "github.com/concurrent-go/concurrent/internal/clock"

// pass gives the lease that l was to the head of the line, if it has one that
// does not ask the store already and the lease may be passed on. l is over.
func (ln *line) pass(l *lease, now clock.Instant) bool {
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	head := ln.queue.first
	if ln.holder != l || head == nil || head.asking {
		return false
	}
	if head.set.label != l.set.label || !l.passable(now) {
		return false
	}
	next := l.heir(head, now)
	ln.holder = next
	l.space.schedule.inherit(l, next)
	ln.queue.remove(head)
	head.turn <- next
	ln.settle()
	return true
}

// passable reports whether the lease may go to another holder here: it has a
// spare token, was got from the store a short time ago, and is fresh enough to
// need no renewal yet.
func (l *lease) passable(now clock.Instant) bool {
	if l.spare == 0 || l.set.keep || l.set.minHold > 0 || now.Mono-l.line.stored >= int64(passFor) {
		return false
	}
	length, _ := l.set.terms(l.space.lease)
	return length == Forever || l.endMono.Load()-now.Mono > int64(length/2) && !l.ended(now)
}

// heir returns the lease that follows l with the next token, for w.
func (l *lease) heir(w *waiting, now clock.Instant) *lease {
	next := &lease{
		binding: w.binding, owner: l.owner,
		token: l.token, spare: l.spare - 1, got: now, line: l.line,
		lock: w.self,
	}
	if l.token != 0 {
		next.token++
	}
	next.endMono.Store(l.endMono.Load())
	next.endWall.Store(l.endWall.Load())
	return next
}
