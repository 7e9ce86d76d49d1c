package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// actorKey is what an actor's contexts have its name by.
type actorKey struct{}

// run is the actor's life.
func (a *actor) run() {
	err := a.tries(a.dead)
	a.world.inbox.put(func() string { return a.name }, func() {
		a.world.actors--
		a.world.checks.wentAway(a, err)
	})
}

// tries is one attempt, and what comes of it.
func (a *actor) tries(parent context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithValue(parent, actorKey{}, a.name), a.patience)
	defer cancel()
	a.world.checks.waits(a)
	if a.how == viaDo {
		return a.guarded(func() error { return a.lock.Do(ctx, a.inside) })
	}
	var h holding
	err := a.guarded(func() (err error) {
		h, err = a.gets(ctx)
		return err
	})
	if h != nil {
		return a.has(ctx, h)
	}
	if err != nil && !a.shared && a.how != viaHold && a.lock.Active() {
		a.world.checks.surprised(a, "an Acquire whose value is active", err)
	}
	return err
}

// guarded calls f, and has a panic be an error, as servers do that go on.
func (a *actor) guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			simulated, ok := p.(error)
			if !ok || !errors.Is(simulated, errDriverPanicked) && !errors.Is(simulated, errObserverPanicked) {
				panic(p)
			}
			a.world.note(a.name, "sees a panic", a.key, 0)
			err = simulated
		}
	}()
	return f()
}

// gets takes the lock otherwise than by Do.
func (a *actor) gets(ctx context.Context) (holding, error) {
	switch a.how {
	case viaHold:
		if h, err := a.lock.Hold(ctx); err == nil {
			return h, nil
		} else {
			return nil, err
		}
	case viaTry:
		if got, err := a.lock.TryAcquire(ctx); !got {
			return nil, err
		}
	default:
		if err := a.lock.Acquire(ctx); err != nil {
			return nil, err
		}
	}
	return a.lock, nil
}

var errFailed = errors.New("simulated work: it failed")

// inside is what Do calls.
func (a *actor) inside(ctx context.Context) error {
	h, ok := Held(ctx)
	if !ok {
		a.world.checks.surprised(a, "Held inside Do", nil)
	}
	token, _ := Token(ctx)
	a.world.checks.enters(ctx, a, token, h)
	defer a.world.checks.leaves(a)
	if a.mode == driver.Exclusive && len(a.lengthens) > 0 {
		a.world.checks.refusesItself(a, a.guarded(func() error {
			return a.lock.Do(ctx, func(context.Context) error { return nil })
		}))
	}
	a.extends(ctx, ctx, h)
	a.works(ctx)
	if a.fails {
		return errFailed
	}
	return nil
}

// has holds the lock and gives it back itself.
func (a *actor) has(ctx context.Context, h holding) error {
	inner := h.Context(context.WithValue(a.dead, actorKey{}, a.name))
	if a.nests {
		if o, others := a.world.checks.another(a); o != nil {
			inner = o.Context(h.Context(others))
		}
	}
	a.world.checks.enters(inner, a, h.Token(), h)
	a.extends(ctx, inner, h)
	a.works(inner)
	a.world.checks.leaves(a)
	if a.dead.Err() != nil {
		return nil // it never comes to releasing
	}
	a.wakes()
	lost := !h.Active()
	if lost && a.how != viaHold {
		a.world.checks.refusesLost(a, a.guarded(func() error { return a.lock.Acquire(ctx) }))
	}
	err := a.gives(ctx, h)
	if lost && !errors.Is(err, ErrLockLost) && !isPanic(err) {
		a.world.checks.surprised(a, "Release of a lost lease", err)
	}
	return err
}

func isPanic(err error) bool {
	return errors.Is(err, errDriverPanicked) || errors.Is(err, errObserverPanicked)
}

// gives releases the lock, perhaps beside an Extend of another goroutine.
func (a *actor) gives(ctx context.Context, h holding) error {
	type end struct {
		err error
		at  time.Duration
	}
	extended := make(chan end, 1)
	if a.beside != nil {
		go func() {
			err := a.lengthen(ctx, h, *a.beside)
			extended <- end{err, a.world.now()}
		}()
		a.pause(a.dead, a.beside.pause/50+1)
	} else {
		extended <- end{err: ErrNotHeld}
	}
	err := a.guarded(func() error { return h.Release(ctx) })
	released := a.world.now()
	if h.Active() && !a.shared {
		a.world.checks.surprised(a, "Release, and it is active", err)
	}
	if x := <-extended; x.err == nil && x.at > released && !a.shared && !a.slow() && !isPanic(err) {
		a.world.checks.surprised(a, "Extend of a lock that was released before", x.err)
	}
	return err
}

// extends gives the lease other lengths.
func (a *actor) extends(ctx, inner context.Context, h holding) {
	for _, l := range a.lengthens {
		a.wakes()
		a.pause(inner, l.pause)
		a.wakes()
		_ = a.lengthen(ctx, h, l) // it is looked at whether the lease is held, not what is said of it
	}
}

func (a *actor) lengthen(ctx context.Context, h holding, l lengthening) error {
	a.brief = a.brief || l.to < 100*time.Millisecond
	hasty, cancel := context.WithTimeout(ctx, l.haste)
	defer cancel()
	err := a.guarded(func() error { return h.Extend(hasty, l.to) })
	if err == nil || errors.Is(err, errObserverPanicked) { // who is told when it is done
		a.world.checks.extended(a, l.to)
	}
	a.world.story.add(happening{at: a.world.now(), who: a.name, did: "extended to " + l.to.String(), key: a.key, err: err})
	return err
}

// works holds the lock until it is done, or the lock is.
func (a *actor) works(ctx context.Context) {
	a.wakes()
	a.pause(ctx, a.hold)
	a.wakes()
	if o := a.afterwards; o != nil && a.dead.Err() == nil {
		err := o.tries(ctx)
		step := make(chan struct{})
		a.world.inbox.put(func() string { return o.name }, func() {
			a.world.checks.wentAway(o, err)
			close(step)
		})
		select {
		case <-step:
		case <-a.world.over.Done():
		}
	}
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
