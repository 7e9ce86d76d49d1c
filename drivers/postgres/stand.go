package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

// A lock that many processes hand to each other all the time is handed over sooner
// by the server's own queue than by messages: no session that listens is woken, and
// nobody asks in vain. But a session that stands in it does nothing else. So each
// process has one for that, which stands for the key that it waits for most, holds
// no other meanwhile, and never stands for long: no session waits for one that
// waits, and a wait that is long by its nature goes on by marks and messages.
const (
	// standing is the class of the session that stands.
	standing = len(idles)
	// standFor is how long it stands. Less than a second, after which the server
	// would look for deadlocks, and note in its log that somebody waits.
	standFor = 800 * time.Millisecond
	// frozenFor is when the server takes a key back from a process that was granted
	// it in the queue and does not say so, because it is frozen or dead.
	frozenFor = 500 * time.Millisecond
	// mostSessions is how many a process has at once.
	mostSessions = 4
	// yieldsOnce is in how many releases by which others were told a process that
	// stands yields to them.
	yieldsOnce = 8
	// passedOver is for how long others are told in vain before nobody stands any
	// more, and seated for how long: then all have their turns by messages.
	passedOver = 2 * time.Second
	seated     = 500 * time.Millisecond
)

// mayStand reports whether a session stands for an ask now. One is made when a key
// is hot for the first time, if the process has room for it.
func (b *backend) mayStand(e *entry, a *ask) bool {
	c := &b.classes[standing]
	switch {
	case b.closed || !a.waits || time.Now().Before(b.seatedUntil) || a.request.Mode != driver.Exclusive || !b.heat.isHot(e.at.lock):
		return false
	case c.live == nil:
		if !c.dialing && !time.Now().Before(c.retryAt) && b.sessions() < mostSessions {
			b.make(c)
		}
		return false
	case b.sessions() > mostSessions:
		b.sitDown()
		return false
	}
	return c.live.users.Load() == 0 && b.places < b.most
}

// courtesy is for how long this process lets others go first that it told of a key's
// release. In the queue each has its turn anyway, and who yields marks the key, so
// that the others do the same. But there may be some who can't stand, and have no turn
// as long as somebody does.
func (b *backend) courtesy(e *entry) time.Duration {
	now := time.Now()
	if !b.heat.isHot(e.at.lock) || b.classes[standing].live == nil || now.Before(b.seatedUntil) {
		return polite
	}
	if b.toldSince.IsZero() {
		b.toldSince = now
	}
	if now.Sub(b.toldSince) > passedOver {
		b.toldSince, b.seatedUntil = time.Time{}, now.Add(seated)
		return polite
	}
	if b.told++; b.told%yieldsOnce == 0 {
		return polite
	}
	return 0
}

// sessions is how many this process has, or makes.
func (b *backend) sessions() int {
	n := 1 // that listens
	for i := range b.classes {
		if c := &b.classes[i]; c.live != nil || c.dialing {
			n++
		}
	}
	return n
}

// sitDown ends the session that stands where it would be one too many, as soon as
// nothing is on it.
func (b *backend) sitDown() {
	c := &b.classes[standing]
	if s := c.live; s != nil && s.users.Load() == 0 && b.sessions() > mostSessions {
		c.live = nil
		b.background.Go(s.close)
	}
}

// stand has the session that stands wait for a key.
func (b *backend) stand(e *entry, a *ask) {
	e.asked, e.stands = a, true
	b.places++
	b.submitOn(b.classes[standing].live, &op{
		kind: stand, at: &e.at, lease: a.request.Lease, number: frozenFor.Milliseconds(),
		then: func(o *op) { b.stood(e, o) },
	})
}

// stood sees to the answer to stand. Whoever is first in line then has the key, if
// the one that it was for has left.
func (b *backend) stood(e *entry, o *op) {
	a := e.asked
	if !o.done() {
		b.heat.fall(e.at.lock, hottest)
		e.stands = false
		b.looked(e, a, standing, 1, o)
		return
	}
	if o.code == waitedFor || a.looked {
		b.heat.rise(e.at.lock)
	} else {
		b.heat.fall(e.at.lock, 1)
	}
	if first := e.firstLike(a); a.over && first != nil {
		a, e.asked = first, first
	}
	b.submitOn(o.by, &op{kind: confirm, at: &e.at, lease: a.request.Lease, then: func(c *op) {
		e.stands = false
		b.looked(e, a, standing, 1, c)
	}})
}

// firstLike is the first in line if it wants the same as a, else nil.
func (e *entry) firstLike(a *ask) *ask {
	if len(e.line) > 0 && e.line[0].request.Mode == a.request.Mode && e.line[0].request.Lease == a.request.Lease {
		return e.line[0]
	}
	return nil
}

// refuseQuick answers those who do not wait while a session stands for somebody who
// does, and so comes before them.
func (b *backend) refuseQuick(e *entry) {
	for _, a := range e.quick {
		b.finish(a, e.heldFor(0))
	}
	e.quick = nil
}

// stoodInVain sees to a session that stood until its time was over, or was stopped.
// The server may have granted the lock in the moment in which it stopped to wait: it
// is given back.
func (b *backend) stoodInVain(s *session, g *group, why error) {
	o := g.ops[0]
	b.undo(s, remains(o), func(err error) {
		said, ok := errors.AsType[*pgconn.PgError](g.err)
		switch {
		case err != nil:
			o.err, o.fate = err, gone
		case ok && said.Code == lockNotAvailable:
			o.code = stillHeld
		default:
			o.err, o.fate = why, refused
		}
		b.conclude(o)
	})
}

// lockNotAvailable is what the server says when lock_timeout is over.
const lockNotAvailable = "55P03"
