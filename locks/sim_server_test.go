package locks

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A server is the store of a world: what a correct one does, as simply as can
// be, and apart from the drivers. Only the runner calls it. Its clock runs up
// to a hundredth faster or slower than that of the processes.
type server struct {
	world   *world
	rate    float64
	fifo    bool          // else it serves who waits in any order
	tells   bool          // a HeldError says for how long
	sure    bool          // who gives up waiting is told that nothing was granted
	spare   int           // most spare tokens of a grant
	ordered bool          // no request overtakes another of its process
	drops   bool          // nor does one arrive that was given up
	least   time.Duration // the shortest lease
	hands   int           // who waited is handed a part of the lease at first: one in so many; 0: all of it

	keys map[string]*entry
}

// An entry is one key. last is the last token, which no loss of data resets.
type entry struct {
	key   string
	holds []*hold
	waits []*call
	over  map[string]bool // owners that released, or had the key kept
	last  uint64
}

// A hold is one lease.
type hold struct {
	key         string
	process     *process
	owner       string
	token, last uint64 // with the spare ones
	mode        driver.Mode
	since       time.Duration
	handed      bool // over, for a part of what was asked for
	generation  int
	long        bool          // its holder was told that it is; guarded by checks.mu
	kept        bool          // by nobody
	orphan      time.Duration // since when nobody is known to have it; 0: somebody has
	entered     uint64        // the last token that was used; guarded by checks.mu

	// Written by the runner alone, read by actors too.
	until  atomic.Int64 // by the server's clock
	gone   atomic.Bool  // it ended
	broken atomic.Bool  // otherwise than by its owner or its end
}

var errCutLine = fmt.Errorf("%w: simulated network: the connection broke", driver.ErrUnavailable)

func newServer(w *world) *server {
	return &server{
		world: w, keys: make(map[string]*entry), rate: 0.99 + 0.02*w.random.Float64(),
		fifo: w.chance(2), tells: w.chance(2), sure: w.chance(2), spare: []int{0, 1, 5, 1000}[w.random.IntN(4)],
		hands: []int{0, 2, 10}[w.random.IntN(3)], ordered: w.chance(3), drops: w.chance(2),
		least: []time.Duration{10 * time.Millisecond, 500 * time.Millisecond}[w.random.IntN(4)/3],
	}
}

func (s *server) now() time.Duration { return s.world.now() + time.Duration(s.world.suspended.Load()) }

// until is when a lease that begins now ends.
func (s *server) until(lease time.Duration) int64 {
	if lease == driver.Forever {
		return int64(driver.Forever)
	}
	return int64(s.now() + time.Duration(float64(lease)/s.rate))
}

func (h *hold) ended(now time.Duration) bool { return h.gone.Load() || h.until.Load() <= int64(now) }

func (s *server) entry(key string) *entry {
	e := s.keys[key]
	if e == nil {
		e = &entry{key: key, over: make(map[string]bool)}
		s.keys[key] = e
	}
	return e
}

// take carries a request out, and answers it now or later.
func (s *server) take(c *call) {
	r := c.requests[0]
	e := s.entry(r.Key)
	s.tidy(e)
	if r.Lease != 0 && r.Lease < s.least && c.what != "keep" && c.what != "release" {
		s.world.checks.asksTooLittle(c)
	}
	switch c.what {
	case "try", "wait":
		s.acquire(e, c)
	case "extend":
		c.reply(answer{err: s.extend(e, r)})
	case "extend all":
		errs := make([]error, len(c.requests))
		for i, r := range c.requests {
			e := s.entry(r.Key)
			s.tidy(e)
			errs[i] = s.extend(e, r)
		}
		c.reply(answer{errs: errs})
	case "release":
		c.reply(answer{err: s.release(e, r)})
	case "keep":
		c.reply(answer{err: s.keep(e, r)})
	}
}

func (s *server) acquire(e *entry, c *call) {
	r := c.requests[0]
	if h := e.held(r.Owner); h != nil { // asked again
		h.until.Store(s.until(r.Lease))
		s.endsLater(e, h)
		c.reply(answer{grant: h.grant(), sent: c.sent})
		return
	}
	if c.twice && e.over[r.Owner] {
		c.reply(answer{err: errCutLine}) // see fate: a repetition brings no lease back
		return
	}
	newcomer := r.Mode == driver.Shared && slices.ContainsFunc(e.waits, func(c *call) bool { return c.requests[0].Mode == driver.Exclusive })
	switch {
	case e.fits(r.Mode) && !newcomer:
		s.grant(e, c, c.sent, 0)
	case c.what == "wait" && !c.left:
		e.waits = append(e.waits, c)
		c.waits()
	default:
		s.world.checks.refuses(e.key)
		c.reply(answer{err: s.refusal(e)})
	}
}

// refusal is what who can't have a key is told.
func (s *server) refusal(e *entry) *driver.HeldError {
	held := &driver.HeldError{}
	if s.tells {
		for _, h := range e.holds {
			held.For = max(held.For, time.Duration(h.until.Load())-s.now())
		}
		if held.For > time.Hour {
			held.For = driver.Forever
		}
	}
	return held
}

// fits reports whether mode can be granted beside what is held.
func (e *entry) fits(mode driver.Mode) bool {
	for _, h := range e.holds {
		if mode.Excludes(h.mode) {
			return false
		}
	}
	return mode.Slots() == 0 || len(e.holds) < mode.Slots()
}

func (s *server) grant(e *entry, c *call, sent stamp, brief time.Duration) {
	r := c.requests[0]
	if brief != 0 {
		r.Lease = brief
	}
	h := &hold{key: e.key, process: c.process, generation: c.generation, owner: r.Owner, mode: r.Mode, since: s.world.now(), handed: brief != 0}
	h.until.Store(s.until(r.Lease))
	h.token = e.last + 1 + s.world.random.Uint64N(3)
	h.last = h.token
	if s.spare > 0 && r.Mode == driver.Exclusive {
		h.last += s.world.random.Uint64N(uint64(s.spare) + 1)
	}
	e.last = h.last
	e.holds = append(e.holds, h)
	s.endsLater(e, h)
	s.world.checks.granted(e.key, h)
	g := h.grant()
	g.Lease = brief
	c.reply(answer{grant: g, sent: sent})
}

func (h *hold) grant() driver.Grant {
	return driver.Grant{Token: h.token, Spare: int(h.last - h.token)}
}

// endsLater looks at e again when h ends.
func (s *server) endsLater(e *entry, h *hold) {
	if until := time.Duration(h.until.Load()); until != driver.Forever {
		s.world.in(until-s.now(), func() { s.tidy(e) })
	}
}

// tidy ends what is over, and serves who waits.
func (s *server) tidy(e *entry) {
	for i := 0; i < len(e.holds); i++ {
		if h := e.holds[i]; h.ended(s.now()) {
			h.gone.Store(true)
			e.holds = slices.Delete(e.holds, i, i+1)
			i--
		}
	}
	s.serve(e)
}

// serve grants what it can to those who wait: in their order, or in any, but
// no reader overtakes a writer.
func (s *server) serve(e *entry) {
	waits := slices.Clone(e.waits)
	if !s.fifo {
		s.world.random.Shuffle(len(waits), func(i, j int) { waits[i], waits[j] = waits[j], waits[i] })
	}
	for _, c := range waits {
		mode := c.requests[0].Mode
		switch {
		case e.fits(mode):
			e.drop(c)
			s.grant(e, c, s.world.stamp(), s.brief(c.requests[0]))
		case mode == driver.Exclusive:
			return
		}
	}
}

// brief is how long a lease is that is handed over; 0: as long as was asked for.
func (s *server) brief(r driver.Request) time.Duration {
	if !r.Brief || r.Mode != driver.Exclusive || r.Lease == driver.Forever || s.hands == 0 {
		return 0
	}
	if d := max(r.Lease/time.Duration(s.hands), 100*time.Millisecond, s.least); d <= r.Lease/2 {
		return d // else too short to be extended in time on this network
	}
	return 0
}

// drop has c wait no more.
func (e *entry) drop(c *call) {
	e.waits = slices.DeleteFunc(e.waits, func(o *call) bool { return o == c })
}

// held finds the lease of an owner. Nothing but its own owner's ever is.
func (e *entry) held(owner string) *hold {
	for _, h := range e.holds {
		if h.owner == owner && !h.kept {
			return h
		}
	}
	return nil
}

func (s *server) extend(e *entry, r driver.Request) error {
	h := e.held(r.Owner)
	if h == nil {
		return driver.ErrNotHeld
	}
	h.until.Store(s.until(r.Lease))
	s.endsLater(e, h)
	return nil
}

func (s *server) release(e *entry, r driver.Request) error {
	h := e.held(r.Owner)
	if h == nil {
		return driver.ErrNotHeld
	}
	e.over[r.Owner] = true
	h.gone.Store(true)
	s.tidy(e)
	return nil
}

func (s *server) keep(e *entry, r driver.Request) error {
	h := e.held(r.Owner)
	if h == nil {
		return driver.ErrNotHeld
	}
	e.over[r.Owner], h.kept = true, true
	if r.Lease != 0 {
		h.until.Store(s.until(r.Lease))
		s.endsLater(e, h)
	}
	return nil
}

var errBroken = errors.New("simulated server: the lease was broken")

// end ends a lease before its time.
func (h *hold) end() {
	h.broken.Store(true)
	h.gone.Store(true)
}

// breaks ends every lease on a key, as an administrator does.
func (s *server) breaks(e *entry) {
	s.world.checks.broken = s.world.now()
	for _, h := range e.holds {
		h.end()
		h.process.loses(driver.Loss{Key: e.key, Owner: h.owner, Err: errBroken})
	}
	s.tidy(e)
}

// flush loses all data but the last tokens.
func (s *server) flush() {
	for _, key := range simKeys {
		s.breaks(s.entry(key))
	}
}
