package locks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// The keys of a world.
var simKeys = []string{"exclusive", "other", "shared", "permits"}

const simPermits = 2

// An actor takes a lock, works under it, and gives it back. What it does is
// decided before it begins.
type actor struct {
	*process
	name string
	key  string
	mode driver.Mode
	lock *Lock

	how      int
	hold     time.Duration
	extend   time.Duration // 0: it does not
	after    time.Duration // that long into its work
	haste    time.Duration // it waits that long for the answer
	patience time.Duration // its context ends after that
	wait     time.Duration
	renewed  bool // its lease is

	// Guarded by checks.mu.
	since   time.Duration // when it began to wait
	free    time.Duration // since when the key is free for it; -1: it is not
	blocked bool          // it was not for a moment
	token   uint64
	from    *hold
	ctx     context.Context // ends with the lock
	active  func() bool
	idle    time.Duration // since when it is not active
}

// How an actor takes its lock.
const (
	viaDo = iota
	viaAcquire
	viaTry
	ways
)

// arrive lets an actor, or a few with one key, begin in p.
func (w *world) arrive(p *process) {
	key := simKeys[max(0, w.random.IntN(6)-2)]
	for range 1 + max(0, w.random.IntN(6)-3) {
		a := w.newActor(p, key)
		w.in(w.upTo(3*time.Millisecond), func() {
			if p.lives() {
				w.actors++
				go a.run()
			}
		})
	}
}

func (w *world) newActor(p *process, key string) *actor {
	w.born++
	a := &actor{process: p, name: fmt.Sprint(p.name, "/", w.born), key: key}
	opts := append(a.leaseOptions(), WithRegistry(p.registry), WithLabel(p.name))
	switch w.random.IntN(4) {
	case 0:
	case 1:
		a.wait = w.between(2*time.Millisecond, 10*time.Second)
		if w.chance(4) {
			a.wait = w.between(2*time.Millisecond, 30*time.Millisecond)
		}
	default:
		a.wait = Forever
	}
	opts = append(opts, WithWait(a.wait))
	switch {
	case key == "permits":
		a.mode = driver.Slots(simPermits)
		a.lock = Permit("a", key, simPermits, opts...)
	case key == "shared" && w.chance(2):
		a.mode = driver.Shared
		a.lock = Read("a", key, opts...)
	default:
		a.lock = Cache("a", key, opts...)
	}
	if a.how = w.random.IntN(ways); a.how == viaTry {
		a.wait = 0
	}
	a.shares()
	a.hold = w.upTo(3 * time.Millisecond)
	switch w.random.IntN(6) {
	case 0:
		a.hold = w.upTo(5 * time.Second)
	case 1, 2:
		a.hold = w.upTo(50 * time.Millisecond)
	}
	if w.chance(3) {
		a.extend = w.between(100*time.Millisecond, 8*time.Second)
		a.after = w.upTo(a.hold + 1)
		a.haste = time.Minute
		if w.chance(3) {
			a.haste = w.upTo(30 * time.Millisecond)
		}
	}
	a.patience = w.between(10*time.Second, 20*time.Second)
	switch w.random.IntN(8) {
	case 0:
		a.patience = w.upTo(4 * time.Second)
	case 1:
		a.patience = w.upTo(30 * time.Millisecond)
	}
	return a
}

// shares lets an actor that comes by Do use a lock that others of its process
// use too, as package variables are used.
func (a *actor) shares() {
	if a.how != viaDo || !a.world.chance(2) {
		return
	}
	o := a.variables[a.key]
	if o == nil {
		a.variables[a.key] = a
		return
	}
	a.mode, a.lock, a.wait, a.renewed = o.mode, o.lock, o.wait, o.renewed
}

// leaseOptions decides what lease an actor asks for.
func (a *actor) leaseOptions() []Option {
	w := a.world
	short := w.between(100*time.Millisecond, 8*time.Second)
	switch n := w.random.IntN(12); {
	case n < 3:
		return []Option{WithExpire(short)}
	case n == 3 && a.kind == fullKind:
		return []Option{WithExpire(short / 4), WithKeep()}
	case n == 4 && a.kind == fullKind:
		return []Option{WithExpire(short), WithMinHold(short / 4)}
	case n == 5:
		return []Option{WithExpire(Forever)}
	case n < 8: // who forgets such a one is found out
		a.renewed = true
		return []Option{WithKeepAlive(w.between(5*time.Minute, 10*time.Minute))}
	case n < 10:
		a.renewed = true
		return []Option{WithKeepAlive(short)}
	}
	a.renewed = true
	return nil
}

// run is the actor's life.
func (a *actor) run() {
	ctx, cancel := context.WithTimeout(a.dead, a.patience)
	defer cancel()
	a.world.checks.waits(a)
	var err error
	if a.how == viaDo {
		err = a.lock.Do(ctx, a.inside)
	} else {
		err = a.outside(ctx)
	}
	a.world.inbox.put(func() string { return a.name }, func() { a.world.checks.wentAway(a, err) })
}

// inside is what Do calls.
func (a *actor) inside(ctx context.Context) error {
	token, _ := Token(ctx)
	l := under(ctx).lease
	a.world.checks.enters(ctx, a, token, l.active)
	defer a.world.checks.leaves(a)
	if a.mode == driver.Exclusive && a.extend > 0 {
		a.world.checks.refusesItself(a, a.lock.Do(ctx, func(context.Context) error { return nil }))
	}
	a.works(ctx)
	return nil
}

// outside takes and gives back the lock itself.
func (a *actor) outside(ctx context.Context) error {
	if a.how == viaTry {
		if got, err := a.lock.TryAcquire(ctx); !got {
			return err
		}
	} else if err := a.lock.Acquire(ctx); err != nil {
		return err
	}
	inner := a.lock.Context(a.dead)
	a.world.checks.enters(inner, a, a.lock.Token(), a.lock.Active)
	a.extends(ctx, inner)
	a.works(inner)
	a.world.checks.leaves(a)
	if a.dead.Err() != nil {
		return nil // it never comes to releasing
	}
	a.wakes()
	lost := !a.lock.Active()
	if lost {
		a.world.checks.refusesLost(a, a.lock.Acquire(ctx))
	}
	err := a.lock.Release(ctx)
	if lost && !errors.Is(err, ErrLockLost) {
		a.world.checks.surprised(a, "Release of a lost lease", err)
	}
	return err
}

// extends gives the lease another length, or two if the first fails.
func (a *actor) extends(ctx, inner context.Context) {
	if a.extend == 0 {
		return
	}
	a.wakes()
	a.pause(inner, a.after)
	a.wakes()
	hasty, cancel := context.WithTimeout(ctx, a.haste)
	defer cancel()
	if err := a.lock.Extend(hasty, a.extend); err != nil {
		a.pause(inner, a.after)
		a.wakes()
		_ = a.lock.Extend(ctx, a.extend/2+a.after) // it is looked at whether the lease is held, not what is said of it
	}
}

// works holds the lock until it is done, or the lock is.
func (a *actor) works(ctx context.Context) {
	a.wakes()
	a.pause(ctx, a.hold)
	a.wakes()
}

// pause lets d go by, or less if ctx ends.
func (a *actor) pause(ctx context.Context, d time.Duration) {
	step := make(chan struct{})
	a.world.inbox.put(func() string { return a.name }, func() { a.world.in(d, func() { close(step) }) })
	select {
	case <-step:
	case <-ctx.Done():
	case <-a.dead.Done():
	}
}

// wakes waits while the process is frozen.
func (a *actor) wakes() {
	for a.dead.Err() == nil {
		left := time.Duration(a.thaw.Load()) - a.world.now()
		if left < 0 {
			return
		}
		a.pause(a.dead, left+time.Millisecond)
	}
}
