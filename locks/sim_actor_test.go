package locks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// A process is a registry of its own, and its link to the server.
type process struct {
	*link
	registry *concurrent.Registry
	alive    bool
}

func (w *world) start(name string, full bool) *process {
	p := &process{link: newLink(w, name), registry: concurrent.NewRegistry(), alive: true}
	var store driver.Store = p.link
	if full {
		store = fullLink{p.link}
	}
	err := p.registry.Configure(concurrent.Aliases{"a": {Store: store, Lease: 6 * time.Second}})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// An actor takes a lock, holds it for a time, and gives it back. What it does
// is decided before it begins.
type actor struct {
	*process
	name string
	key  string
	lock *Lock

	mode    driver.Mode
	viaDo   bool
	try     bool
	hold    time.Duration
	extend  time.Duration // 0: it does not
	patient time.Duration // its context ends after that

	since  time.Time // when it began to wait
	token  uint64
	active func() bool
}

// newActor decides what an actor will do.
func (w *world) newActor(n int, p *process, random *rand.Rand) *actor {
	a := &actor{process: p, name: fmt.Sprintf("%s/%d", p.name, n)}
	between := func(low, high time.Duration) time.Duration {
		return low + time.Duration(random.Int64N(int64(high-low)))
	}
	opts := []Option{WithRegistry(p.registry), WithLabel(p.name)}
	switch random.IntN(5) {
	case 0:
		opts = append(opts, WithExpire(between(200*time.Millisecond, 8*time.Second)))
	case 1:
		opts = append(opts, WithKeepAlive(between(200*time.Millisecond, 8*time.Second)))
	case 2: // who forgets such a one is found out
		opts = append(opts, WithKeepAlive(between(5*time.Minute, 10*time.Minute)))
	}
	switch random.IntN(4) {
	case 0:
	case 1:
		opts = append(opts, WithWait(between(time.Millisecond, 10*time.Second)))
	default:
		opts = append(opts, WithWait(Forever))
	}
	switch n := random.IntN(10); {
	case n < 5:
		a.key = "exclusive"
		a.lock = Cache("a", a.key, opts...)
	case n < 6:
		a.key, a.mode = "shared", driver.Shared
		a.lock = Read("a", a.key, opts...)
	case n < 7:
		a.key = "shared"
		a.lock = Write("a", a.key, opts...)
	case n < 8:
		a.key, a.mode = "permits", driver.Slots(2)
		a.lock = Permit("a", a.key, 2, opts...)
	default:
		a.key = "other"
		a.lock = Cache("a", a.key, opts...)
	}
	a.viaDo, a.try = random.IntN(3) == 0, random.IntN(8) == 0
	a.hold = between(0, 50*time.Millisecond)
	if random.IntN(5) == 0 {
		a.hold = between(0, 8*time.Second)
	}
	if random.IntN(3) == 0 {
		a.extend = between(100*time.Millisecond, 8*time.Second)
	}
	a.patient = between(20*time.Second, 30*time.Second)
	if random.IntN(4) == 0 {
		a.patient = between(time.Millisecond, 5*time.Second)
	}
	return a
}

// run is the actor's life.
func (a *actor) run() {
	ctx, cancel := context.WithTimeout(a.dead, a.patient)
	defer cancel()
	a.world.waits(a)
	var err error
	if a.viaDo {
		err = a.lock.Do(ctx, a.inside)
	} else {
		err = a.outside(ctx)
	}
	a.world.waitsNoMore(a)
	if a.dead.Err() == nil && err != nil && !expected(err) {
		a.world.mu.Lock()
		defer a.world.mu.Unlock()
		a.world.wrong("%s on %s: an error that nothing here explains: %v", a.name, a.key, err)
	}
}

// inside is what Do calls.
func (a *actor) inside(ctx context.Context) error {
	a.token, _ = Token(ctx)
	a.active = func() bool {
		return ctx.Err() == nil || a.dead.Err() == nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
	}
	a.world.enters(a)
	defer a.world.leaves(a)
	a.works(ctx)
	return nil
}

// outside takes and gives back the lock itself.
func (a *actor) outside(ctx context.Context) error {
	if a.try {
		if got, err := a.lock.TryAcquire(ctx); !got {
			return err
		}
	} else if err := a.lock.Acquire(ctx); err != nil {
		return err
	}
	a.token, a.active = a.lock.Token(), a.lock.Active
	a.world.enters(a)
	if a.extend > 0 {
		if err := a.lock.Extend(ctx, a.extend); err != nil && !expected(err) {
			return err
		}
	}
	a.works(a.lock.Context(ctx))
	a.world.leaves(a)
	if a.dead.Err() != nil {
		return nil // it never comes to releasing
	}
	return a.lock.Release(ctx)
}

// works holds the lock until it is done, or the lock is.
func (a *actor) works(ctx context.Context) {
	select {
	case <-time.After(a.hold):
	case <-ctx.Done():
	case <-a.dead.Done():
	}
}

// expected reports whether err is one that locks may end with in a world with
// faults: held, lost, unavailable, closed, or a context that ended.
func expected(err error) bool {
	return slices.ContainsFunc([]error{
		ErrLockActive, ErrLockLost, ErrClosed, ErrUnavailable, errCutLine, errLate, context.DeadlineExceeded, context.Canceled,
	}, func(target error) bool { return errors.Is(err, target) })
}

func (w *world) waits(a *actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.since = time.Now()
	w.waiting[a.key] = append(w.waiting[a.key], a)
}

func (w *world) waitsNoMore(a *actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[a.key] = slices.DeleteFunc(w.waiting[a.key], func(o *actor) bool { return o == a })
}

// enters is called by who believes to hold a lock: nobody else must.
func (w *world) enters(a *actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[a.key] = slices.DeleteFunc(w.waiting[a.key], func(o *actor) bool { return o == a })
	w.note("%s got %s (%v) with token %d", a.name, a.key, a.mode, a.token)
	w.holders[a.key] = append(w.holders[a.key], a)
	w.check(a.key)
	w.checkEntry(a)
}

func (w *world) leaves(a *actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("%s leaves %s", a.name, a.key)
	w.holders[a.key] = slices.DeleteFunc(w.holders[a.key], func(o *actor) bool { return o == a })
}
