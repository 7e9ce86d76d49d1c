package locks

import (
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
)

// handOff gives what l was to the head of its line, if there is one and the lease may
// be handed on. l is over.
func (l *lease) handOff(now clock.Instant) bool {
	return l.queue != nil && l.queue.HandOff(l, func(to *waitCall, stored int64) *lease {
		l.client.wheel.Lock() // no request leaves between the look and the hand-over
		defer l.client.wheel.Unlock()
		if !l.mayHandOff(to.rl.options, stored, now) {
			return nil
		}
		return l.successor(to, now)
	})
}

// mayHandOff reports whether the lease may go to another holder here, with options o:
// it has a spare token, was got from the store a short time ago, on the same terms,
// is fresh enough to need no renewal yet, and no request may still change it. The wheel
// is locked.
func (l *lease) mayHandOff(o *options, stored int64, now clock.Instant) bool {
	if l.spare == 0 || l.options.keeps() || o.keeps() || l.options.label != o.label ||
		now.Mono-stored >= int64(waitline.HandOffFor) {
		return false
	}
	length, renewed := o.terms(l.client.lease)
	if l.length != length || l.renewed != (renewed || length == Forever) || l.brief || !l.term.Settled() {
		return false
	}
	// A lease that is not renewed ends so long after it was got.
	if !renewed && length != Forever {
		return false
	}
	end := l.term.Deadline()
	return length == Forever || end.Mono-now.Mono > int64(length/2) && !end.Passed(now)
}

// successor returns the lease that follows l with the next token, and stands in the
// wheel, which is locked, in its place.
func (l *lease) successor(to *waitCall, now clock.Instant) *lease {
	next := &lease{
		resolvedLock: to.rl, owner: l.owner, token: l.token, spare: l.spare - 1, got: now, queue: l.queue,
		who: to.who, length: l.length, renewed: l.renewed,
	}
	next.observedAs(to.told())
	if l.token != 0 {
		next.token++
	}
	c := l.client
	c.counts.load.Add(oneHeld)
	next.term, next.renewAt = l.term, l.renewAt
	next.updateDeadline()
	c.wheel.Replace(l, next, now)
	return next
}

// takeOver returns the lease that was handed on to w, or neither a lease nor an error if
// it was lost on the way.
func (w *waitCall) takeOver(l *lease) (*lease, error) {
	c := w.rl.client
	if l.deadline.Passed(l.got.Later()) {
		l.expire()
	}
	if l.state.Load() == held {
		c.counts.load.Add(-1) // the lease is counted instead of the attempt
		return l, nil
	}
	if w.left() <= 0 {
		return nil, w.over(nil)
	}
	return nil, nil
}

// handOffOrRelease gives up a lease that nobody got to use: to the next in line, or
// to the store in the background.
func (l *lease) handOffOrRelease() {
	if !l.finish(errReleased) {
		return // it was lost
	}
	if now := clock.Now(); !l.handOff(now) {
		l.giveUp()
	}
	l.client.leave(oneHeld)
}

// giveUp has a lease that is over released in the background.
func (l *lease) giveUp() {
	c := l.client
	c.wheel.Lock()
	c.wheel.Remove(l)
	longest := l.term.Longest()
	c.wheel.Unlock()
	c.giveBack(l.request(longest))
	if l.queue != nil {
		l.queue.Leave(l)
	}
}
