package locks

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A call is one request on its way, with its reply. Both are messages: each
// takes its time, may overtake others, and may be lost. Who asked may give up;
// the request goes its way all the same, and may arrive after later ones of that
// owner, and twice: see fate.
type call struct {
	process    *process
	generation int // of the alias
	what       string
	requests   []driver.Request
	ctx        context.Context
	sent       stamp // written by the runner until done is told
	done       chan answer

	fate     fate
	ignores  atomic.Int64 // for how long the caller goes on after its context ended
	queued   atomic.Bool  // the caller knows that it waits in the server
	gaveUp   bool
	left     bool // the server knows that nobody waits for the reply
	answered bool
	twice    bool // it is sent
	copies   int  // of it that have not arrived
	carried  bool // out, by an earlier copy of the request
}

type answer struct {
	grant  driver.Grant
	sent   stamp // of the grant
	err    error
	errs   []error // of many
	panics bool    // the driver does
}

// A stamp is a moment in a process, and how long the machine had been suspended
// until then.
type stamp struct {
	at        time.Time
	suspended time.Duration
}

func (w *world) stamp() stamp { return stamp{time.Now(), time.Duration(w.suspended.Load())} }

// time returns what a reading of both clocks at s is now. The clock that is set
// for tests can't tell when a time was read: where the machine was suspended
// since, the reading is put so far back on both of them.
func (s stamp) time(w *world) time.Time {
	if d := time.Duration(w.suspended.Load()) - s.suspended; d > 0 {
		return s.at.Round(0).Add(-d)
	}
	return s.at
}

// ask sends a request and waits for the reply.
func (p *process) ask(ctx context.Context, what string, requests ...driver.Request) (time.Time, answer) {
	c := &call{
		process: p, generation: int(p.generation.Load()), what: what, requests: requests, ctx: ctx, done: make(chan answer, 1),
	}
	if err := ctx.Err(); err != nil {
		return time.Now(), answer{err: err}
	}
	p.world.checks.asking(c)
	defer p.world.checks.asked(c)
	p.world.inbox.put(c.name, c.leave)
	select {
	case a := <-c.done:
		return c.returns(a)
	case <-ctx.Done():
	}
	if a, ok := c.ignore(); ok {
		return c.returns(a)
	}
	sure := c.queued.Load() && p.world.server.sure
	before := func() string { return "!" + c.name() } // what is asked for because of it
	p.world.inbox.put(before, func() { c.giveUp(sure) })
	if sure {
		return time.Now(), answer{err: errors.Join(ctx.Err(), driver.ErrHeld)}
	}
	return time.Now(), answer{err: ctx.Err()}
}

// returns is how the driver's call ends that was answered.
func (c *call) returns(a answer) (time.Time, answer) {
	if a.panics {
		panic(errDriverPanicked)
	}
	a.grant.Sent = a.sent.time(c.process.world)
	return c.sent.time(c.process.world), a
}

// name tells a call from others of one moment. Owners are random, so it has
// only their number, which those have that the server knows.
func (c *call) name() string {
	r := c.requests[0]
	return fmt.Sprint(c.process.name, c.what, r.Key, r.Mode, r.Lease, c.process.owners[r.Owner])
}

// delay is how long a message takes.
func (w *world) delay() time.Duration {
	if w.random.Float64() < w.climate.slow {
		return w.upTo(2 * time.Second)
	}
	return w.upTo(w.pace)
}

// carry has do done at the end of a message's way, unless it is lost: then lost
// is. Messages wait while the process is cut off, and go on each at its own
// pace. With a process that is dead nobody speaks any more.
func (p *process) carry(do, lost func()) {
	w := p.world
	if w.random.Float64() < w.climate.loss {
		do = lost
	}
	w.in(w.delay(), func() { p.reach(do) })
}

// cutLook is how often a message looks whether the process is cut off still.
const cutLook = 250 * time.Millisecond

func (p *process) reach(do func()) {
	switch left := p.cutTo - p.world.now(); {
	case p.dead.Err() != nil:
	case left > cutLook: // it may be over sooner
		p.world.in(cutLook, func() { p.reach(do) })
	case left > 0:
		p.world.in(left+p.world.delay(), func() { p.reach(do) })
	default:
		do()
	}
}

// leave begins the request's way: in the driver, where it may lie for a while.
func (c *call) leave() {
	p := c.process
	if p.dead.Err() != nil {
		return
	}
	for _, r := range c.requests {
		if p.owners[r.Owner] == 0 {
			p.owners[r.Owner] = len(p.owners) + 1
		}
	}
	c.note("asks", nil)
	c.fate = p.world.fate(c)
	c.ignores.Store(int64(c.fate.ignores))
	c.sent = p.world.stamp()
	switch {
	case c.fate.panics == panicsBefore:
		c.hear(answer{panics: true})
	case c.fate.lies > 0:
		p.world.in(c.fate.lies, c.depart)
	default:
		c.depart()
	}
}

// depart sends the request on its way.
func (c *call) depart() {
	p, w := c.process, c.process.world
	if p.dead.Err() != nil || c.gaveUp {
		return
	}
	c.sent = w.stamp()
	if w.server.ordered {
		p.inOrder(c.arrive, c.breaks)
	} else {
		p.carry(c.arrive, c.breaks)
		if c.twice = c.fate.again > 0; c.twice {
			c.copies = 2
			w.in(c.fate.again, func() { p.reach(c.arriveAgain) })
		}
	}
	if c.fate.panics == panicsMeanwhile {
		c.hear(answer{panics: true})
		c.giveUp(false)
	}
}

// arrive is the end of the request's way, or of that of one of its copies.
func (c *call) arrive() {
	c.copies--
	if s := c.process.world.server; !s.ordered || !s.drops || !c.gaveUp {
		s.take(c)
	}
}

// breaks tells the caller, some time later, that no reply will come. The server
// has no more to do with the call.
func (c *call) breaks() {
	c.answered = true
	c.process.world.server.forget(c)
	c.process.world.in(c.process.world.between(100*time.Millisecond, time.Second), func() {
		c.process.reach(func() { c.hear(answer{err: errCutLine}) })
	})
}

// reply sends the answer back: to a request that is sent twice, when the last copy
// is carried out.
func (c *call) reply(a answer) {
	if c.answered {
		return
	}
	if c.copies > 0 {
		c.carried = c.carried || a.err == nil
		c.note("is carried out", a.err)
		return
	}
	if c.carried && (c.what == "release" || c.what == "keep") {
		a.err = nil
	}
	c.answered = true
	c.note("is answered", a.err)
	if c.fate.panics == panicsLater {
		a = answer{panics: true}
	}
	if !c.fate.mute {
		c.process.carry(func() { c.hear(a) }, c.breaks)
	}
}

// hear hands the answer to the caller.
func (c *call) hear(a answer) {
	if errors.Is(a.err, driver.ErrHeld) {
		c.process.world.checks.saidHeld(c)
	}
	select {
	case c.done <- a:
	default:
	}
}

// giveUp tells the server that nobody waits for the reply, which is a message
// too but is not lost: at the latest the end of the connection says so. A store
// that promises its caller that nothing was granted has what was granted all
// the same taken back there.
func (c *call) giveUp(sure bool) {
	if c.process.dead.Err() != nil {
		return
	}
	c.gaveUp = true
	c.note("gives up", nil)
	w := c.process.world
	if sure {
		w.checks.saidHeld(c)
	}
	told := func() {
		c.left = true
		w.server.forget(c)
		if e := w.server.entry(c.requests[0].Key); sure {
			_ = w.server.release(e, c.requests[0])
		}
	}
	if w.server.ordered {
		c.process.inOrder(told, told)
	} else {
		w.in(w.delay(), func() { c.process.reach(told) })
	}
}

// waits tells the caller that it waits in the server.
func (c *call) waits() {
	c.process.carry(func() {
		c.queued.Store(true)
		c.process.world.checks.saidHeld(c)
		if told := c.requests[0].OnHeld; told != nil {
			told(&driver.HeldError{})
		}
	}, func() {})
}

// forget has the server wait no more for what c asked for.
func (s *server) forget(c *call) {
	e := s.entry(c.requests[0].Key)
	e.drop(c)
	s.serve(e)
}

func (c *call) note(did string, err error) {
	r := c.requests[0]
	c.process.world.story.add(happening{
		at: c.process.world.now(), who: c.process.name, did: c.what + " " + did, key: r.Key, number: uint64(c.process.owners[r.Owner]), err: err,
	})
}
