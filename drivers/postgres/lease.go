package postgres

import (
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A lease is what this process holds for one owner.
type lease struct {
	store      *Store
	key, owner string
	mode       driver.Mode
	holder     driver.Holder
	token      uint64
	entry      *entry
	class      int
	on         *session
	slot       int32 // permits: which
	since      time.Time
	ends       time.Time // zero: never by itself
	timer      *time.Timer
	over       bool
	keeping    bool  // it is being written down that the key is kept
	written    bool  // it is in the table
	why        error // it was lost
}

// spare is how many tokens after its own a lease has.
func (l *lease) spare() int {
	if l.mode == driver.Shared || l.token == 0 {
		return 0 // readers of one session have the same token
	}
	return spare
}

func (l *lease) forever() bool { return l.ends.IsZero() }

// longest is from which length on a lease is one without end.
const longest = 100 * 365 * 24 * time.Hour

// last sets when a lease ends, and has it end then.
func (b *backend) last(l *lease, sent time.Time, d time.Duration) {
	if d >= longest {
		l.ends = time.Time{}
		if l.timer != nil {
			l.timer.Stop()
		}
		return
	}
	l.ends = sent.Add(d)
	if l.timer != nil {
		l.timer.Reset(time.Until(l.ends))
		return
	}
	l.timer = time.AfterFunc(time.Until(l.ends), func() { b.expire(l) })
}

// expire gives a lease back whose time is over. The server knows nothing of
// leases, but for the idle time of sessions, which ends those of a process that
// can't do this.
func (b *backend) expire(l *lease) {
	b.mu.Lock()
	defer b.unlock()
	if l.over || l.keeping || l.forever() {
		return
	}
	if left := time.Until(l.ends); left > 0 {
		l.timer.Reset(left)
		return
	}
	b.giveUp(l, nil)
}

// grant gives an ask what the server granted, unless nobody wants it any more.
func (b *backend) grant(e *entry, a *ask, class int, o *op) {
	e.asked = nil
	if a.over {
		e.leaveLine(a)
		b.takeBack(e, class, o)
		b.wake(e)
		return
	}
	g := &e.grips[class]
	if !o.exclusive() {
		if g.take(o); !o.have {
			g.token = o.token
		}
	}
	e.told, e.politeUntil = nil, time.Time{} // they had their turn, or did not want it
	if o.kind == try && a.waits && a.looked {
		b.heat.rise(e.at.lock)
	}
	b.hold(e, a, class, o)
	e.leaveLine(a)
	for a.request.Mode == driver.Shared && len(e.line) > 0 {
		next := e.line[0] // readers that stand together come in together
		if next.request.Mode != driver.Shared || classOf(next.request.Lease) != class || e.find(next.request.Key, next.request.Owner) != nil {
			break
		}
		g.count++
		o.by.users.Add(1)
		b.hold(e, next, class, o)
		e.leaveLine(next)
	}
	e.due = len(e.line) > 0
	b.advance(e)
}

// hold makes an ask's lease.
func (b *backend) hold(e *entry, a *ask, class int, o *op) {
	r := &a.request
	l := &lease{
		store: a.store, key: r.Key, owner: r.Owner, mode: r.Mode, holder: r.Holder,
		token: o.token, entry: e, class: class, on: o.by, since: time.Now(),
	}
	a.grant = driver.Grant{Token: o.token, Sent: o.sent}
	switch {
	case r.Mode == driver.Shared: // whose token all of a grip's have
		l.token = e.grips[class].token
		a.grant.Token = l.token
	case o.kind == permit:
		l.slot = o.code
	}
	a.grant.Spare = l.spare()
	b.last(l, o.sent, r.Lease)
	e.leases = append(e.leases, l)
	b.finish(a, nil)
}

// takeBack gives back what the server granted to nobody.
func (b *backend) takeBack(e *entry, class int, o *op) {
	if o.exclusive() {
		b.giveBack(e, o.by, &op{kind: unlock, at: &e.at}, 1, nil)
		return
	}
	var number int64
	if o.kind == permit {
		number = e.at.slot(o.code)
	}
	e.grips[class].take(o)
	b.loosen(e, class, o.by, o.mode, number, nil)
}

// loosen gives back one's part of a grip, and a permit if it has a number. What
// a session holds for all goes with the last.
func (b *backend) loosen(e *entry, class int, s *session, mode, number int64, after func(*op)) {
	g := &e.grips[class]
	o, cost := &op{kind: leave, at: &e.at, mode: mode, number: number}, 0
	if number != 0 {
		cost = 1
	}
	if g.count--; g.count == 0 {
		cost += g.cost
	}
	if number != 0 || g.count == 0 {
		g.letGo(o)
	}
	if number != 0 || o.last {
		b.giveBack(e, s, o, cost, after)
		return
	}
	s.users.Add(-1)
	if after != nil {
		after(nil)
	}
	b.wake(e)
}

// giveBack has an op give something back, and calls after when that is done.
func (b *backend) giveBack(e *entry, s *session, o *op, cost int, after func(*op)) {
	e.leaving++
	o.then = func(o *op) {
		e.leaving--
		b.places -= cost
		s.users.Add(-1)
		if after != nil {
			after(o)
		}
		if s.class == standing {
			b.sitDown()
		}
		e.told, e.politeUntil = nil, time.Time{}
		switch {
		case o.code == freedTold:
			e.told, e.politeUntil = s, time.Now().Add(b.courtesy(e))
		case b.heat.isHot(e.at.lock):
			b.toldSince = time.Time{}
		}
		b.look(e)
	}
	b.submitOn(s, o)
}

// remove takes a lease out of this process's books.
func (e *entry) remove(l *lease) {
	l.over = true
	if l.timer != nil {
		l.timer.Stop()
	}
	for i, other := range e.leases {
		if other == l {
			e.leases[i] = e.leases[len(e.leases)-1]
			e.leases[len(e.leases)-1] = nil
			e.leases = e.leases[:len(e.leases)-1]
			return
		}
	}
}

// giveUp ends a lease. after is called once its part of the lock is given back,
// with the op that did it, nil if others of this process have it still.
func (b *backend) giveUp(l *lease, after func(*op)) {
	e := l.entry
	e.remove(l)
	switch n := l.mode.Slots(); {
	case l.mode == driver.Exclusive:
		b.giveBack(e, l.on, &op{kind: unlock, at: &e.at}, 1, after)
	case n > 0:
		b.loosen(e, l.class, l.on, e.at.permits, e.at.slot(l.slot), after)
	default:
		b.loosen(e, l.class, l.on, e.at.shared, 0, after)
	}
}

// permits are the ones that a class's session has.
func (e *entry) permits(class int) []int32 {
	var all []int32
	for _, l := range e.leases {
		if l.mode > 0 && l.class == class {
			all = append(all, l.slot)
		}
	}
	return all
}

// loseSession takes out what a session held that ended.
func (b *backend) loseSession(e *entry, s *session, why error) {
	for _, l := range slices.Backward(e.leases) {
		if l.on == s {
			b.places -= l.cost()
			e.remove(l)
			b.lose(l, why)
		}
	}
	if s.class >= 0 && e.grips[s.class].on == s {
		b.places -= e.grips[s.class].cost
		e.grips[s.class] = grip{}
	}
	for _, f := range []*flag{&e.waiting, &e.writing, &e.turn} {
		if f.on == s {
			f.on = nil
			b.places--
		}
	}
}

// cost is how many places of the lock table a lease has alone.
func (l *lease) cost() int {
	if l.mode == driver.Shared {
		return 0
	}
	return 1
}

// lose has a lease's store told that it is lost.
func (b *backend) lose(l *lease, why error) {
	l.why = why
	b.lost = append(b.lost, l)
}
