package locks

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// The keys of a world.
var simKeys = []string{"exclusive", "other", "shared", "permits"}

// simLease is the alias's lease.
const simLease = 6 * time.Second

// simPermits is how many permits an actor asks to be one of, or one more.
const simPermits = 2

// An actor takes a lock, works under it, and gives it back. What it does is
// decided before it begins.
type actor struct {
	*process
	plan
	name string
	key  string
	mode driver.Mode
	lock *Lock
	born int // generation of the alias

	// Guarded by checks.mu.
	since   time.Duration // when it began to wait
	free    time.Duration // since when the key is free for it; -1: it is not
	blocked bool          // it was not for a moment
	token   uint64
	from    *hold
	ctx     context.Context // ends with the lock
	held    holding
	got     time.Duration // when it got it
	idle    time.Duration // since when it is not active
}

// A plan is what an actor will do.
type plan struct {
	how        int
	hold       time.Duration
	lengthens  []lengthening
	brief      bool         // it has asked for a lease that is shorter than an answer may take
	beside     *lengthening // comes together with its release
	patience   time.Duration
	wait       time.Duration
	option     time.Duration // the lock's WithWait, which Try goes without
	length     time.Duration // of the lease; 0: the alias's
	renewed    bool          // its lease is, for as long as it wants
	shared     bool          // others acquire its value too
	nests      bool          // its context is made of others' too
	fails      bool          // what it does under the lock
	afterwards *actor        // goes to another key, under the lock and its context
	under      *actor        // whose lock it came under, or nil
}

// A lengthening is an Extend, to what is longer or shorter, after a pause, whose
// answer is waited for so long.
type lengthening struct{ to, pause, haste time.Duration }

// holding is a Lock or a Lease that is held.
type holding interface {
	Active() bool
	Token() uint64
	Context(parent context.Context) context.Context
	Extend(ctx context.Context, d time.Duration) error
	Release(ctx context.Context) error
}

// How an actor takes its lock.
const (
	viaDo = iota
	viaAcquire
	viaTry
	viaHold
	ways
)

// arrive lets an actor, or a few with one key, begin in p. Some of these use one lock,
// so that it is handed on among them.
func (w *world) arrive(p *process) {
	key := simKeys[max(0, w.random.IntN(6)-2)]
	crew := w.chance(3)
	var first *actor
	for range 1 + max(0, w.random.IntN(6)-3) {
		a := w.newActor(p, key)
		if crew && first != nil {
			a.joins(first)
		} else if a.how == viaDo && w.chance(4) {
			a.goesOn()
		}
		if first = cmp.Or(first, a); crew && w.chance(2) {
			a.thinksAgain()
		}
		w.in(w.upTo(3*time.Millisecond), func() { a.begins() })
	}
}

// begins has an actor live, if its process does.
func (a *actor) begins() {
	if !a.lives() {
		return
	}
	a.world.actors++
	a.born = int(a.generation.Load())
	if a.afterwards != nil {
		a.afterwards.born = a.born
	}
	go a.run()
}

// joins has an actor take a lease of the lock that another takes one of too.
func (a *actor) joins(o *actor) {
	a.mode, a.lock, a.option, a.renewed, a.length = o.mode, o.lock, o.option, o.renewed, o.length
	a.wait = a.option
	maps.DeleteFunc(a.variables, func(_ string, v *actor) bool { return v == a }) // it has another lock now
	a.shared, a.how = false, []int{viaDo, viaHold}[a.world.random.IntN(2)]
}

func (w *world) newActor(p *process, key string) *actor {
	w.born++
	a := &actor{process: p, name: fmt.Sprint(p.name, "/", w.born), key: key}
	opts := append(a.leaseOptions(), a.waitOption(), WithRegistry(p.registry), WithLabel(p.name))
	switch {
	case key == "permits":
		n := simPermits + w.random.IntN(2)
		a.mode = driver.Slots(n)
		a.lock = Permit("a", key, n, opts...)
	case key == "shared" && w.chance(2):
		a.mode = driver.Shared
		a.lock = Read("a", key, opts...)
	default:
		a.lock = Cache("a", key, opts...)
	}
	a.how = w.random.IntN(ways)
	a.shares()
	if a.wait = a.option; a.how == viaTry {
		a.wait = 0
	}
	a.plans()
	return a
}

func (a *actor) waitOption() Option {
	w := a.world
	switch w.random.IntN(4) {
	case 0:
	case 1:
		a.option = w.between(2*time.Millisecond, 10*time.Second)
		if w.chance(4) {
			a.option = w.between(2*time.Millisecond, 30*time.Millisecond)
		}
	default:
		a.option = Forever
	}
	return WithWait(a.option)
}

// goesOn lets an actor take a lock on another key under its own.
func (a *actor) goesOn() {
	w := a.world
	key := simKeys[w.random.IntN(len(simKeys))]
	if key == a.key {
		return
	}
	o := w.newActor(a.process, key)
	o.under, a.afterwards = a, o
	o.patience = min(o.patience, 3*time.Second)
}

// plans decides what an actor does with its lock.
func (a *actor) plans() {
	w := a.world
	a.hold = w.upTo(3 * time.Millisecond)
	switch w.random.IntN(6) {
	case 0:
		a.hold = w.upTo(5 * time.Second)
	case 1, 2:
		a.hold = w.upTo(50 * time.Millisecond)
	}
	if w.chance(2) {
		for range 1 + w.random.IntN(3) {
			a.lengthens = append(a.lengthens, a.lengthening())
		}
	}
	if w.chance(6) {
		a.thinksAgain()
	}
	if w.chance(6) {
		l := a.lengthening()
		a.beside = &l
	}
	a.patience = w.between(10*time.Second, 20*time.Second)
	switch w.random.IntN(8) {
	case 0:
		a.patience = w.upTo(4 * time.Second)
	case 1:
		a.patience = w.upTo(30 * time.Millisecond)
	}
	a.nests, a.fails = w.chance(4), w.chance(4)
}

// thinksAgain has an actor make its lease shorter, without waiting for the answer, and
// what it was: so that it may be handed on, with a request that may still arrive.
func (a *actor) thinksAgain() {
	w := a.world
	was := a.length
	if was == 0 {
		was = simLease
	}
	a.hold = w.upTo(time.Millisecond)
	a.lengthens = []lengthening{
		{w.between(100*time.Millisecond, 2*time.Second), w.upTo(time.Millisecond), w.upTo(2 * time.Millisecond)},
		{was, w.upTo(time.Millisecond), time.Minute},
	}
}

func (a *actor) lengthening() lengthening {
	w := a.world
	l := lengthening{w.between(100*time.Millisecond, 8*time.Second), w.upTo(min(a.hold, time.Second) + 1), time.Minute}
	switch w.random.IntN(12) {
	case 0:
		l.to = Forever
	case 1:
		l.to = w.between(10*time.Minute, time.Hour)
	}
	if w.chance(2) {
		l.haste = w.upTo(30 * time.Millisecond)
	}
	return l
}

// shares lets an actor use a lock that others of its process use too, as package
// variables are used.
func (a *actor) shares() {
	if !a.world.chance(3) {
		return
	}
	a.shared = a.how == viaAcquire || a.how == viaTry
	name := fmt.Sprint(a.key, a.shared)
	o := a.variables[name]
	if o == nil {
		a.variables[name] = a
		return
	}
	a.mode, a.lock, a.option, a.renewed, a.length = o.mode, o.lock, o.option, o.renewed, o.length
}

// leaseOptions decides what lease an actor asks for.
func (a *actor) leaseOptions() []Option {
	w := a.world
	short := w.between(100*time.Millisecond, 8*time.Second)
	a.length = short
	switch n := w.random.IntN(16); {
	case n < 3:
		return []Option{WithExpire(short)}
	case n == 3:
		a.length = w.between(8*time.Millisecond, 200*time.Millisecond)
		return []Option{WithExpire(a.length)}
	case n == 4:
		return []Option{WithKeepAlive(short), WithMaxHold(short + w.upTo(3*time.Second))}
	case n < 8 && a.kind == fullKind:
		return a.keepOptions(short)
	case n == 8:
		return []Option{WithExpire(Forever)}
	}
	return a.renewedOptions(short)
}

func (a *actor) keepOptions(d time.Duration) []Option {
	switch a.world.random.IntN(3) {
	case 0:
		a.length = d / 4
		return []Option{WithExpire(d / 4), WithKeep()}
	case 1:
		a.length = d / 4
		return []Option{WithExpire(d / 4), WithKeepOnSuccess()}
	}
	return []Option{WithExpire(d), WithMinHold(d / 4)}
}

func (a *actor) renewedOptions(short time.Duration) []Option {
	a.renewed = true
	switch w := a.world; w.random.IntN(5) {
	case 0, 1:
		return []Option{WithKeepAlive(short)}
	case 2: // who forgets such a one is found out
		a.length = w.between(5*time.Minute, 10*time.Minute)
		return []Option{WithKeepAlive(a.length)}
	}
	a.length = 0
	return nil
}
