package postgres

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

// A backend is what the stores of one URL share in this process: the sessions,
// and what is held and waited for.
type backend struct {
	config    *pgconn.Config
	options   options
	secrets   secrets
	channel   []byte
	warned    []error
	checkText string
	scribe    scribe
	presence  int64 // the number that every session of the schema shares
	seating   seating
	most      int // locks and marks on the server at once

	life       context.Context
	end        context.CancelFunc
	background sync.WaitGroup

	mu      sync.Mutex // let go of by unlock
	closed  bool
	entries map[int64]*entry
	classes [len(idles) + 1]class // of leases, and of the session that stands
	heat    heat
	told    uint // releases of a hot key by which others were told
	// toldSince is when that began, without one by which nobody was; zero: it did not.
	toldSince   time.Time
	seatedUntil time.Time // nobody stands until then
	ears        *session
	places      int   // locks and marks that are held or asked for
	later       []*op // that failed, their outcome not yet seen to
	lost        []*lease
	tables      tables
	kicks       []*session // that have something to send
}

func newBackend(config *pgconn.Config, o options, s secrets) *backend {
	b := &backend{
		config: config, options: o, secrets: s,
		channel: []byte(channel(o.schema)), entries: make(map[int64]*entry),
		checkText: script("check", o.schema), scribe: scribe{wake: make(chan struct{}, 1)},
		presence: mixed(numberOf(o.schema, ""), 6),
	}
	for i := range b.classes {
		b.classes[i].number = i
	}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// open makes the session that most leases need, and the one that listens. A
// failure leaves nothing open.
func (b *backend) open(ctx context.Context) error {
	c := &b.classes[usual]
	s, v, err := b.dial(ctx, usual)
	if err != nil {
		b.end()
		return err
	}
	b.mu.Lock() // the session may have ended already
	if c.live = s; s.gone != nil {
		c.live = nil
	}
	b.most = int(min(v.table/4, math.MaxInt32))
	b.mu.Unlock()
	if !v.durable && b.options.fencing {
		b.warned = append(b.warned, fmt.Errorf("postgres: the server has fsync = off: after a crash tokens may be given again; turn it on, or use fencing=off"))
	}
	ears, _, err := b.dial(ctx, -1)
	if err != nil {
		s.close()
		b.end()
		return err
	}
	b.ears = ears
	b.background.Go(func() { b.listen(ears) })
	b.background.Go(b.scribble)
	return nil
}

// unlock lets go of the mutex, when everything is seen to that must not be done
// while it is held.
func (b *backend) unlock() { b.letGo(false) }

// unlockToWait is unlock for a caller that has nothing else to do than to wait for
// the answer to what it asked.
func (b *backend) unlockToWait() { b.letGo(true) }

func (b *backend) letGo(waits bool) {
	for len(b.later) > 0 {
		later := b.later
		b.later = nil
		for _, o := range later {
			b.conclude(o)
		}
	}
	kicks := b.kicks
	b.kicks = nil
	lost := b.lost
	b.lost = nil
	b.mu.Unlock()
	for _, l := range lost {
		l.store.losses.Tell(driver.Loss{Key: l.key, Owner: l.owner, Err: l.why})
	}
	for _, s := range kicks {
		s.kick(waits && len(kicks) == 1)
	}
}

// answered sees to what a session was answered.
func (b *backend) answered(s *session, batch []*group) {
	b.mu.Lock()
	defer b.unlock()
	for _, g := range batch {
		if g.first != nil {
			continue // its ops are the group's before
		}
		if s.gone != nil { // meanwhile, with what the server granted
			b.forget(g, s.gone)
			continue
		}
		if g.err != nil {
			b.mend(s, g)
			continue
		}
		for _, o := range g.ops {
			b.conclude(o)
		}
	}
}

// conclude has an op's outcome seen to.
func (b *backend) conclude(o *op) {
	if o.then != nil {
		o.then(o)
	}
}

// ended takes a session that ended out, and everything that it held.
func (b *backend) ended(s *session, err error, sent []*group, unsent []*op) {
	b.mu.Lock()
	defer b.unlock()
	why := b.secrets.explain(err)
	s.gone = why
	for i := range b.classes {
		if c := &b.classes[i]; c.live == s {
			c.live = nil
		}
	}
	for _, e := range b.entries {
		b.loseSession(e, s, why)
	}
	for _, g := range sent {
		if g.first == nil {
			b.forget(g, why)
		}
	}
	for _, o := range unsent {
		o.err, o.fate = why, unsentFate(o)
		b.conclude(o)
	}
	for _, e := range b.entries {
		b.wake(e)
	}
}

// forget sees to what a session was asked that ended.
func (b *backend) forget(g *group, why error) {
	for _, o := range g.ops {
		o.err, o.fate = why, gone
		b.conclude(o)
	}
}

// unsentFate is the fate of what never left: what was to be given back is gone
// with the session.
func unsentFate(o *op) fate {
	switch o.kind {
	case try, enter, permit, mark, special, stand:
		return unsent
	}
	return gone
}

// close ends the sessions, when the last store is closed. Nothing is held then
// that could not be given back.
func (b *backend) close() {
	b.mu.Lock()
	b.closed = true
	b.end()
	var all []*session
	for i := range b.classes {
		if s := b.classes[i].live; s != nil {
			all = append(all, s)
		}
	}
	if b.ears != nil {
		all = append(all, b.ears)
	}
	b.unlock()
	for _, s := range all {
		s.close()
	}
	b.background.Wait()
}

// dialTimeout is how long a session may take to be made, so that callers with
// patience are told why it is not.
const dialTimeout = 5 * time.Second
