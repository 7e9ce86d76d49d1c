package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// A waiter that hears nothing looks again after fallback, and up to twice
	// as much later: the session that held the lock may have died.
	fallback = 500 * time.Millisecond
	// polite is how long this process lets others go first that it told of a
	// release, and up to twice as much.
	polite = 5 * time.Millisecond
	// awayPause is the pause before a server that can't be had is asked again,
	// and patience for how long a wait goes on meanwhile.
	awayPause = 100 * time.Millisecond
	patience  = 5 * time.Second
	// mostTries bounds how often a request is sent again at once that met
	// another session at the gate.
	mostTries = 20
)

// An ask is one TryAcquire or Acquire.
type ask struct {
	store   *Store
	request driver.Request
	number  int64
	waits   bool
	looked  bool      // it was refused once
	called  bool      // and looks because a message said that the key is free
	tries   int       // in a row
	avoid   []int32   // permits that are kept
	keptToo int32     // how many are to be counted; −1: none, as long as numbers do not differ
	since   time.Time // when the server was found to be away; zero: it is not

	over  bool          // it has its answer, or its caller left
	done  chan struct{} // closed when it has its answer
	grant driver.Grant
	err   error
}

// finish gives an ask its answer.
func (b *backend) finish(a *ask, err error) {
	if !a.over {
		a.over, a.err = true, err
		close(a.done)
	}
}

// acquire asks for a lease, and waits for the answer.
func (b *backend) acquire(ctx context.Context, s *Store, r *driver.Request, waits bool) (driver.Grant, error) {
	a := &ask{store: s, request: *r, number: s.number(r.Key), waits: waits, keptToo: -1, done: make(chan struct{})}
	b.mu.Lock()
	if s.shut {
		b.mu.Unlock()
		return driver.Grant{}, driver.ErrClosed
	}
	e := b.entry(a.number)
	if waits {
		e.line = append(e.line, a)
	} else {
		e.quick = append(e.quick, a)
	}
	if waits && len(e.line) == 1 {
		b.look(e)
	} else {
		b.advance(e)
	}
	b.unlockToWait()
	select {
	case <-a.done:
		return a.grant, a.err
	case <-ctx.Done():
		return b.abandon(ctx, a)
	}
}

// abandon takes an ask back whose caller leaves. If the server was asked, what
// it grants is given back, and the caller is told that the key is held if the
// server said so before.
func (b *backend) abandon(ctx context.Context, a *ask) (driver.Grant, error) {
	b.mu.Lock()
	defer b.unlock()
	if a.over {
		return a.grant, a.err
	}
	a.over = true
	e := b.entries[a.number]
	held := a.waits && (e == nil || e.asked != a || a.looked || e.stands)
	refusal := new(driver.HeldError)
	if e != nil {
		refusal = e.heldFor(e.remaining())
		e.leaveLine(a)
		b.wake(e)
	}
	if held {
		return driver.Grant{}, errors.Join(ctx.Err(), refusal)
	}
	return driver.Grant{}, ctx.Err()
}

func (e *entry) leaveLine(a *ask) {
	if i := slices.Index(e.line, a); i >= 0 {
		e.line = slices.Delete(e.line, i, i+1)
	}
}

// send asks the server.
func (b *backend) send(e *entry, a *ask) {
	if b.mayStand(e, a) {
		b.stand(e, a)
		return
	}
	r := &a.request
	class := classOf(r.Lease)
	o := &op{kind: try, at: &e.at, lease: r.Lease}
	cost := 1
	if r.Mode != driver.Exclusive {
		o.kind, o.mode = enter, e.at.shared
		o.have, cost = e.grips[class].count > 0, 0
		if r.Mode > 0 {
			e.permit(o, a, class)
			cost = 1
		}
		if !o.have {
			cost += costOf(r.Mode)
		}
	}
	if b.places+cost > b.most {
		b.finish(a, unavailable("this process holds, or waits for, as many locks as it may: a quarter of the server's lock table, which is %d; raise max_locks_per_transaction (it needs a restart), or hold fewer", b.most))
		e.leaveLine(a)
		return
	}
	b.places += cost
	if o.have {
		e.grips[class].count++ // for this one: it must not go meanwhile
	}
	e.asked = a
	o.then = func(o *op) { b.looked(e, a, class, cost, o) }
	if o.have { // on no other session: that one would have nothing of the key
		o.by = e.grips[class].on
		b.submitOn(o.by, o)
		return
	}
	b.submit(class, o)
}

// looked sees to the answer to send.
func (b *backend) looked(e *entry, a *ask, class, cost int, o *op) {
	if o.done() && o.kept && o.by != nil {
		c := &op{kind: check, at: &e.at, statement: b.checkText}
		c.then = func(c *op) {
			if kept := b.readKept(a, o, c); kept != nil {
				b.takeBack(e, class, o)
				e.asked = nil
				b.refuse(e, a, kept)
				b.advance(e)
				return
			}
			b.grant(e, a, class, o)
		}
		b.submitOn(o.by, c)
		return
	}
	if o.done() {
		b.grant(e, a, class, o)
		return
	}
	b.places -= cost
	e.asked, e.told = nil, nil
	if g := &e.grips[class]; o.have && g.on == o.by {
		b.loosen(e, class, o.by, o.mode, 0, nil)
	} else if o.by != nil {
		o.by.users.Add(-1)
	}
	if o.err != nil {
		b.failed(e, a, o)
	} else {
		b.refuse(e, a, e.busy(a, o.code))
	}
	b.advance(e)
}

var errAgain = errors.New("asked again")

// busy returns the error of a request that the server did not grant.
func (e *entry) busy(a *ask, code int32) error {
	a.tries++
	if code == gateShut && a.tries < mostTries || code == otherMode && a.tries < 3 {
		return errAgain
	}
	return e.heldFor(0)
}

// refuse has an ask that was not granted wait, or end.
func (b *backend) refuse(e *entry, a *ask, err error) {
	held, isHeld := errors.AsType[*driver.HeldError](err)
	switch {
	case a.over:
		e.leaveLine(a)
		e.due = true
	case errors.Is(err, errAgain) && a.waits:
		e.due = true
	case errors.Is(err, errAgain):
		e.quick = slices.Insert(e.quick, 0, a)
	case a.waits && isHeld:
		if a.called && a.request.Mode == driver.Exclusive {
			b.heat.rise(e.at.lock) // others were faster
		}
		a.looked, a.tries, a.since = true, 0, time.Time{}
		if told := a.request.OnHeld; told != nil {
			told(held)
		}
		pause := fallback + rand.N(2*fallback)
		if held.For > 0 {
			pause = min(pause, held.For+time.Millisecond)
		}
		b.arm(e, pause)
	default:
		e.leaveLine(a)
		e.due = true
		b.finish(a, err)
	}
}

// failed sees to a request that failed. Who waits goes on for a while if the
// server can't be had; who does not is asked for once more if nothing was sent.
// A request that was sent and arrives late takes the lock for the session that it was
// sent on, whose end follows it on the same connection: it is nobody's lease.
func (b *backend) failed(e *entry, a *ask, o *op) {
	now := time.Now()
	if a.since.IsZero() {
		a.since = now
	}
	a.tries++
	switch {
	case a.over, o.fate == refused, b.closed:
		b.refuse(e, a, o.err)
	case a.waits && now.Sub(a.since) < patience:
		b.arm(e, awayPause+rand.N(awayPause))
	case !a.waits && o.fate == unsent && a.tries < 2 && b.classes[classOf(a.request.Lease)].failure == nil:
		e.quick = slices.Insert(e.quick, 0, a)
	default:
		b.refuse(e, a, o.err)
	}
}
