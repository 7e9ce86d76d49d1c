package locks

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// What a process was told of its keys is noted here, and what the server says must
// be so.

// asking and asked note which calls are under way. Guarded by checks.mu.
func (c *checks) asking(call *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call.process.calls[call] = true
}

func (c *checks) asked(call *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(call.process.calls, call)
}

// saidHeld notes that a process hears that a key is held.
func (c *checks) saidHeld(call *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call.process.said[call.requests[0].Key] = c.world.now()
}

// hears notes who may say now that a key is held: who waits in the server and was
// told so, and those that have a lease.
func (c *checks) hears() {
	now := c.world.now()
	for _, p := range c.world.processes {
		for call := range p.calls {
			if call.queued.Load() {
				p.said[call.requests[0].Key] = now
			}
		}
	}
	for _, key := range simKeys {
		for _, h := range c.world.server.entry(key).holds {
			h.process.said[key] = now
		}
		for _, a := range c.holders[key] {
			a.said[key] = now
		}
	}
}

// refuses notes that the server refused a key to somebody, also if it is free again at
// the same moment.
func (c *checks) refuses(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.waiting[key] {
		a.blocked = true
	}
}

// mayBeActive reports whether the server, or a holder in its process, said to a that
// its key is held: while it waited, or so shortly before that it counts. What was
// broken is believed to be held for a while.
func (c *checks) mayBeActive(a *actor) bool {
	if c.broken > 0 {
		return true
	}
	said, ok := a.said[a.key]
	return ok && said >= a.since-lately-time.Millisecond
}

// asksTooLittle is told of a request for less than the store's shortest lease.
func (c *checks) asksTooLittle(call *call) {
	c.untrue(call.process, "%s of %s asks for a lease of %v", call.what, call.requests[0].Key, call.requests[0].Lease)
}

// untrue reports a broken promise, if p lives.
func (c *checks) untrue(p *process, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.dead.Err() == nil {
		c.wrong(p.name+": "+format, args...)
	}
}

// another returns what another actor of a's process holds, and its context; nil if
// nobody holds anything.
func (c *checks) another(a *actor) (holding, context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range simKeys {
		for _, o := range c.holders[key] {
			if o.process == a.process && o.ctx.Err() == nil {
				return o.held, o.ctx
			}
		}
	}
	return nil, nil
}

// orphanedFor is how long, in a calm, the server may hold what nobody in a process
// has: a pause between two tries to give it back, the call, and what is on its way.
const orphanedFor = 7 * time.Second

// orphans checks that what nobody has is given back.
func (c *checks) orphans(key string) {
	w := c.world
	for _, h := range w.server.entry(key).holds {
		if c.calm == 0 || h.kept || h.ended(w.server.now()) || !h.mine() || c.has(h) {
			h.orphan = 0
			continue
		}
		if h.orphan == 0 {
			h.orphan = w.now()
		}
		if late := w.now() - h.orphan; late > orphanedFor {
			c.wrong("%s is held by %s with token %d, where nobody has it since %v", key, h.process.name, h.token, late)
		}
	}
}

// mine reports whether a process lives, with the alias through which it got h.
func (h *hold) mine() bool {
	return h.process.lives() && h.generation == int(h.process.generation.Load())
}

// has reports whether somebody holds h, or did and has not yet noticed that it is lost.
func (c *checks) has(h *hold) bool {
	for _, a := range c.holders[h.key] {
		if a.from == h {
			return true
		}
	}
	return false
}

// counted checks what a process counts of its alias when nobody uses it any more, that
// no place in a line is left, and what its observer was told.
func (c *checks) counted(p *process) {
	for _, s := range p.registry.Stats() {
		if s.Held != 0 || s.Waiting != 0 {
			c.untrue(p, "nobody uses the alias, and it counts %+v", s)
		}
		if o := p.watcher; o != nil && p.generation.Load() == 0 {
			o.mu.Lock()
			if o.count[concurrent.EventAcquired] != s.Acquired || o.count[concurrent.EventLost] != s.Lost {
				c.untrue(p, "the alias counts %+v, and its observer %d acquired and %d lost",
					s, o.count[concurrent.EventAcquired], o.count[concurrent.EventLost])
			}
			o.mu.Unlock()
		}
	}
	client, err := open(context.Background(), p.registry, "a")
	if err != nil {
		c.untrue(p, "its alias can't be opened: %v", err)
		return
	}
	for _, key := range simKeys {
		for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(simPermits), driver.Slots(simPermits + 1)} {
			if !client.lines.Empty(key, mode) {
				c.untrue(p, "a place in the line for %s in mode %v is left", key, mode)
			}
		}
	}
	if p.watcher != nil {
		p.watcher.complete()
	}
}

// closedInTime checks that Shutdown or Remove keeps to its context.
func (c *checks) closedInTime(p *process, patience, took time.Duration) {
	const grace = time.Second
	if took > patience+grace {
		c.untrue(p, "Shutdown or Remove returned after %v, and its context ended after %v", took, patience)
	}
}

// extended notes that a lease was made so long: where the key is kept for its lease,
// it is held for that long.
func (c *checks) extended(a *actor, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.from != nil && d > time.Minute {
		a.from.long = true
	}
}
