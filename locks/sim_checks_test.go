package locks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// checks are what must hold in every world. The first thing that does not is
// reported, with the command that runs its world again.
type checks struct {
	world *world

	mu       sync.Mutex
	holders  map[string][]*actor // who was given the key and did not leave
	waiting  map[string][]*actor
	grants   map[string][]*hold // in the server's order
	entered  map[string]uint64  // token of who was given the key last
	resource map[string]uint64  // largest token that a resource has seen

	calm   time.Duration // since when nothing goes wrong any more; 0: it does
	jumped time.Duration // when the processes were last suspended
	broken time.Duration // when the server last lost something; 0: never
	failed bool
}

func newChecks(w *world) *checks {
	return &checks{
		world: w, holders: make(map[string][]*actor), waiting: make(map[string][]*actor),
		grants:  make(map[string][]*hold),
		entered: make(map[string]uint64), resource: make(map[string]uint64),
	}
}

// wrong reports a broken promise. mu is held.
func (c *checks) wrong(format string, args ...any) {
	if c.failed {
		return // the first is the cause
	}
	c.failed = true
	w, lines := c.world, 40
	if *simSeed != 0 {
		lines = 1 << 20
	}
	w.t.Errorf("seed %d, after %v: %s\nagain: go test ./locks -run '%s$' -sim.seed=%d -v\n%s",
		w.seed, w.now(), fmt.Sprintf(format, args...), w.t.Name(), w.seed, w.story.last(lines))
}

func (c *checks) waits(a *actor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.since = c.world.now()
	a.free, a.blocked = -1, false
	c.waiting[a.key] = append(c.waiting[a.key], a)
	c.world.note(a.name, "wants "+a.mode.String(), a.key, 0)
}

func without(actors []*actor, a *actor) []*actor {
	return slices.DeleteFunc(actors, func(o *actor) bool { return o == a })
}

// granted notes what the server granted.
func (c *checks) granted(key string, h *hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grants[key] = append(c.grants[key], h)
}

// from finds the grant of a token, nil if there was none.
func (c *checks) from(key string, token uint64) *hold {
	for _, h := range slices.Backward(c.grants[key]) {
		if h.token <= token && token <= h.last {
			return h
		}
	}
	return nil
}

// enters is called by who was just given a lock.
func (c *checks) enters(ctx context.Context, a *actor, token uint64, h holding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[a.key] = without(c.waiting[a.key], a)
	a.token, a.ctx, a.held, a.from, a.idle = token, ctx, h, c.from(a.key, token), -1
	a.got = c.world.now()
	if a.dead.Err() != nil {
		return
	}
	c.world.note(a.name, "got it", a.key, token)
	if a.from == nil {
		c.wrong("%s got %s with token %d, which the server did not grant", a.name, a.key, token)
		return
	}
	c.holders[a.key] = append(c.holders[a.key], a)
	c.entry(a)
	c.pairs(a.key)
}

// entry checks that a lease is not over when it is given, and the order of the
// tokens of exclusive ones. What was broken on the server may still be passed
// on for a moment; its token is never given twice all the same.
func (c *checks) entry(a *actor) {
	if !a.from.broken.Load() && !a.held.Active() && !c.jumpedNow(12*time.Millisecond) {
		c.wrong("%s was given %s with token %d when the lease was over", a.name, a.key, a.token)
	}
	if a.mode != driver.Exclusive {
		return
	}
	if a.token <= a.from.entered {
		c.wrong("%s was given %s with token %d after %d of the same grant", a.name, a.key, a.token, a.from.entered)
	}
	a.from.entered = a.token
	if last := c.entered[a.key]; a.token <= last && !a.from.broken.Load() {
		c.wrong("%s was given %s with token %d after %d", a.name, a.key, a.token, last)
	}
	c.entered[a.key] = max(c.entered[a.key], a.token)
	c.writes(a)
}

// writes is a write to what the lock protects: it refuses smaller tokens than
// it has seen. The holder of the newest grant must not be refused, whatever the
// server lost.
func (c *checks) writes(a *actor) {
	if a.token < c.resource[a.key] {
		if a.from == c.newest(a.key) && a.token == a.from.entered {
			c.wrong("%s has the newest grant of %s, and a write with its token %d is refused after %d",
				a.name, a.key, a.token, c.resource[a.key])
		}
		return
	}
	c.resource[a.key] = a.token
}

// newest returns the last exclusive grant of a key.
func (c *checks) newest(key string) *hold {
	for _, h := range slices.Backward(c.grants[key]) {
		if h.mode == driver.Exclusive {
			return h
		}
	}
	return nil
}

// leaves is called by who is about to give the lock back.
func (c *checks) leaves(a *actor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders[a.key] = without(c.holders[a.key], a)
	if a.dead.Err() != nil {
		return
	}
	c.world.note(a.name, "leaves", a.key, a.token)
	if a.mode == driver.Exclusive && a.from != nil {
		c.writes(a)
	}
}

// look looks around at a moment when nobody moves.
func (c *checks) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hears()
	for _, key := range simKeys {
		for _, a := range c.holders[key] {
			if a.dead.Err() == nil {
				c.holder(a)
			}
		}
		c.pairs(key)
		c.orphans(key)
		for _, a := range c.waiting[key] {
			c.sleeper(a)
		}
	}
}

// holder checks that who is active is so on the server too, but for what was
// broken there, and that a context ends when its lock does.
func (c *checks) holder(a *actor) {
	w := c.world
	if a.held.Active() {
		if !a.from.broken.Load() && a.from.ended(w.server.now()) && !c.jumpedBefore(a) {
			c.wrong("%s is active on %s with token %d, but its lease on the server is over", a.name, a.key, a.token)
		}
		return
	}
	if a.idle < 0 {
		a.idle = w.now()
	}
	late := w.now() - a.idle
	if c.jumpedNow(late + 2*time.Second) {
		late -= time.Second + time.Millisecond
	}
	select {
	case <-a.ctx.Done():
	default:
		if late >= 0 {
			c.wrong("%s is not active on %s any more, but its context goes on", a.name, a.key)
		}
	}
}

// pairs checks that those who are active together may be.
func (c *checks) pairs(key string) {
	holders := c.holders[key]
	if len(holders) < 2 {
		return
	}
	var active []*actor
	for _, a := range holders {
		if a.dead.Err() == nil && !a.from.broken.Load() && a.held.Active() {
			active = append(active, a)
		}
	}
	for i, a := range active {
		for _, b := range active[:i] {
			if a.mode.Excludes(b.mode) {
				c.wrong("%s (%v, token %d) and %s (%v, token %d) are active on %s at once",
					b.name, b.mode, b.token, a.name, a.mode, a.token, key)
			}
		}
	}
	most := 0
	for _, a := range active {
		most = max(most, a.mode.Slots())
	}
	if key == "permits" && len(active) > most {
		c.wrong("%d have the %d permits", len(active), most)
	}
}

// asleep is for how long, in a calm, a key may be free for who waits for it: a
// look of who can't be woken, and its messages.
const asleep = 400 * time.Millisecond

// sleeper checks that nobody waits for a key that is free.
func (c *checks) sleeper(a *actor) {
	w := c.world
	brief := a.length > 0 && a.length < 100*time.Millisecond // no answer may come within such a lease
	switch free := w.server.free(a.key, a.mode) && a.lives() && !brief; {
	case !free, a.shared && a.mode != driver.Exclusive: // the value may be in use
		a.free, a.blocked = -1, true
		return
	case a.free < 0:
		a.free = w.now()
	}
	if free := w.now() - max(a.free, c.calm); c.calm > 0 && free > asleep {
		c.wrong("%s waits for %s, which is free since %v", a.name, a.key, free)
	}
}

// free reports whether a newcomer could be granted the key.
func (s *server) free(key string, mode driver.Mode) bool {
	e := s.entry(key)
	for _, c := range e.waits {
		if mode == driver.Shared && c.requests[0].Mode == driver.Exclusive {
			return false
		}
	}
	return e.fits(mode)
}

// wentAway is told when an actor's life is over, by the runner.
func (c *checks) wentAway(a *actor, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.world
	c.waiting[a.key] = without(c.waiting[a.key], a)
	if a.dead.Err() != nil {
		return
	}
	w.story.add(happening{at: w.now(), who: a.name, did: "goes", key: a.key, err: err})
	if err != nil && !c.expected(a, err) {
		c.wrong("%s on %s: an error that nothing here explains: %v", a.name, a.key, err)
	}
	if onlyActive(err) || a.how == viaTry && err == nil && a.token == 0 {
		c.hears()
		if !c.mayBeActive(a) {
			c.wrong("%s was told that another holds %s, which neither the server nor anybody here said", a.name, a.key)
		}
		inTime := a.wait == 0 || c.calm > 0 && a.since > c.calm && w.now()-a.since > asleep
		if inTime && a.free >= 0 && !a.blocked && !a.shared && w.climate.grid == 1 {
			c.wrong("%s was told that another holds %s, which was free all the while", a.name, a.key)
		}
	}
}

// expected reports whether err is one that a may end with: in a calm, only that
// another holds the lock, or that its own fixed lease is over.
func (c *checks) expected(a *actor, err error) bool {
	may := []error{ErrLockActive}
	if a.how == viaDo {
		may = append(may, errFailed)
	}
	if !a.renewed || a.shared {
		may = append(may, ErrLockLost) // a release in the last moment comes too late
	}
	if c.calm == 0 || a.since < c.calm {
		may = append(may, ErrLockLost, ErrUnavailable, errLate, context.DeadlineExceeded, errDriverPanicked, errObserverPanicked)
	}
	if a.wait < 50*time.Millisecond || a.kind != bareKind && !c.world.server.sure {
		may = append(may, errNoAnswer) // too short for an answer, or who waits there hears none
	}
	if a.length > 0 && a.length < 100*time.Millisecond {
		may = append(may, errLate, ErrUnavailable) // too short for one too
	}
	if a.brief {
		may = append(may, ErrLockLost) // its last Extend asked for less than an answer may take
	}
	if c.world.now()-a.since >= a.patience || a.under != nil && a.under.ctx.Err() != nil {
		may = append(may, context.DeadlineExceeded, context.Canceled)
	}
	if a.closing || a.born != int(a.generation.Load()) {
		may = append(may, ErrClosed, concurrent.ErrUnknownAlias, ErrLockLost)
	}
	return slices.ContainsFunc(may, func(target error) bool { return errors.Is(err, target) })
}

func (c *checks) surprised(a *actor, what string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.dead.Err() == nil {
		c.wrong("%s on %s: %s returned %v", a.name, a.key, what, err)
	}
}

// refusesItself checks that who waits for what it holds hears so.
func (c *checks) refusesItself(a *actor, err error) {
	if a.ctx.Err() == nil && !errors.Is(err, ErrLockActive) && !isPanic(err) && (!a.closing || !errors.Is(err, ErrClosed)) {
		c.surprised(a, "Do inside Do", err)
	}
}

// refusesLost checks that a value whose lease was lost can't be acquired.
func (c *checks) refusesLost(a *actor, err error) {
	if !errors.Is(err, ErrLockLost) && !isPanic(err) {
		c.surprised(a, "Acquire of a lost value", err)
	}
}

// closed is told when Shutdown of a process returned.
func (c *checks) closed(p *process, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.world.note(p.name, "has ended that", "", 0)
	for _, key := range simKeys {
		for _, a := range c.holders[key] {
			if a.process == p && p.dead.Err() == nil && a.held.Active() {
				c.wrong("%s is active on %s after Shutdown or Remove returned %v", a.name, key, err)
			}
		}
	}
}

// jumpedBefore reports whether the machine was suspended between a grant that was handed
// over, and what made a lease of it: the clock that is set for tests can't tell that the
// grant's Sent was read before (see stamp).
func (c *checks) jumpedBefore(a *actor) bool {
	return a.from.handed && c.jumped >= a.from.since && c.jumped <= a.got
}

func (c *checks) jumpedNow(within time.Duration) bool {
	return c.jumped > 0 && c.world.now()-c.jumped <= within
}

// stranded checks that processes which live hold nothing on the server, when
// nobody there holds anything.
func (c *checks) stranded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range simKeys {
		for _, h := range c.world.server.entry(key).holds {
			if h.mine() && !h.ended(c.world.server.now()) && (!h.kept || !h.long) {
				c.wrong("%s is held by %s with token %d since %v, where nobody holds it", key, h.process.name, h.token, h.since)
			}
		}
	}
}
