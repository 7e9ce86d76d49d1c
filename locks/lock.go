package locks

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// A Lock is the description of a lock and at most one lease of it, got by
// Acquire and given back by Release. Making one does no I/O and can't fail:
// what is wrong with it is told by Acquire and Do. It is safe for concurrent
// use and can be a package variable. It must not be copied.
//
// Every Do takes a lease of its own, apart from the one that Acquire got.
type Lock struct {
	alias, key string
	mode       driver.Mode
	set        *settings
	local      bool

	bound   atomic.Pointer[binding]
	current atomic.Pointer[lease]

	once sync.Once
	self weak.Pointer[Lock]

	extending sync.Mutex
}

// A binding is what a Lock turned out to be at its first Acquire: what all its
// leases have in common.
type binding struct {
	space *space
	set   *settings
	key   string // with the alias's prefix
	mode  driver.Mode
	local *line // of a local lock
}

// Cache returns the exclusive lock named key of the store configured as alias.
func Cache(alias, key string, opts ...Option) *Lock {
	return &Lock{alias: alias, key: key, set: settle(opts)}
}

// Write is Cache under the name that goes with Read: one writer, and no reader
// beside it.
func Write(alias, key string, opts ...Option) *Lock {
	return Cache(alias, key, opts...)
}

// Read returns the shared lock named key: many readers hold it at once, and no
// writer (Write, Cache) beside them. While a writer waits, no new reader comes
// in; so a reader that holds the lock must not wait for it again.
func Read(alias, key string, opts ...Option) *Lock {
	return &Lock{alias: alias, key: key, mode: driver.Shared, set: settle(opts)}
}

// Permit returns one of the n permits of the semaphore named key: at most n
// are held at once. n is 1 to 65536, the same for all who use the key; another
// n is ErrInvalidOption.
func Permit(alias, key string, n int, opts ...Option) *Lock {
	set := settle(opts)
	mode := driver.Slots(n)
	if !mode.Valid() {
		refused := *set
		refused.refuse("Permit takes 1 to %d permits; has %d", driver.MaxSlots, n)
		set = &refused
	}
	return &Lock{alias: alias, key: key, mode: mode, set: set}
}

// Acquire takes the lock, waiting as WithWait says. It returns nil when this
// value holds it.
//
// A key that another holds when the wait is over is ErrLockActive; a wait that
// ctx ended matches ctx.Err() too. Acquire on a value that is active is
// ordinary contention. A value whose lease was lost returns ErrLockLost until
// Release was called. Everything else is ErrLockAcquire with the reason:
// ErrUnavailable, ErrUnfit, ErrUnsupported, ErrInvalidRequest, ErrClosed, an
// unknown alias, a ctx that had ended; or ErrInvalidOption. With
// WithRaise(false), nil is returned instead of ErrLockActive unless ctx ended:
// see Active.
//
// After an error nothing is held: what the store may have granted all the same
// is given back in the background. Once Acquire has returned, ctx has no
// effect on the lock.
func (l *Lock) Acquire(ctx context.Context) error {
	err := l.acquire(ctx, l.set.wait)
	if l.set.quiet && onlyActive(err) {
		return nil
	}
	return err
}

// TryAcquire is Acquire that never waits: it returns false and no error when
// another holds the key.
func (l *Lock) TryAcquire(ctx context.Context) (bool, error) {
	err := l.acquire(ctx, 0)
	if onlyActive(err) {
		return false, nil
	}
	return err == nil, err
}

// Active reports whether this value holds the lock: Acquire got it, and
// neither was it released nor lost nor has the local deadline passed. The
// deadline is one percent of the lease and two milliseconds before the lease's
// end on the store. Active compares clocks; it needs no network and no timer,
// and is right also in a process that was stopped meanwhile.
func (l *Lock) Active() bool {
	c := l.current.Load()
	return c != nil && c.active()
}

// Release gives the lock back, or leaves it held for as long as WithKeep and
// WithMinHold say. It works also when ctx has ended, and takes at most five
// seconds.
//
// With nothing held it returns ErrNotHeld. If the lease was lost, it returns
// ErrLockLost, once, and touches nobody else's lease. If the store did not
// confirm the release, it returns ErrLockRelease; the value is not active then
// either. After any return the value can be acquired again.
func (l *Lock) Release(ctx context.Context) error {
	c := l.current.Swap(nil)
	if c == nil {
		return l.fail("release", ErrNotHeld)
	}
	return c.release(ctx)
}

// Context returns a context of parent that ends, with the reason as its
// context.Cause, when this value no longer holds the lock: ErrLockLost,
// ErrLockExpired, or ErrNotHeld after Release. If nothing is held now, it has
// ended already, with ErrNotHeld, or with ErrLockLost.
func (l *Lock) Context(parent context.Context) context.Context {
	c := l.current.Load()
	if c == nil {
		ctx, cancel := context.WithCancelCause(parent)
		cancel(l.fail("hold", ErrNotHeld))
		return ctx
	}
	ctx := c.newContext(parent)
	if c.state.Load() == held && !c.active() {
		c.expire()
	}
	return ctx
}

// Token returns the fencing token of the lease that this value holds or lost,
// and 0 when there is none or the store has no tokens. It is larger than those
// of all earlier exclusive grants of the key. Pass it with every write, to a
// resource that refuses smaller ones.
func (l *Lock) Token() uint64 {
	if c := l.current.Load(); c != nil {
		return c.token
	}
	return 0
}

// Remaining returns how long the lock stays active if nothing renews or
// extends it: 0 when it is not active, Forever for a lease without end. Of a
// lease that is kept alive and was waited for it may be a short part for the
// moment that it takes to have the store make it as long as it is to be.
func (l *Lock) Remaining() time.Duration {
	if c := l.current.Load(); c != nil {
		return c.remaining()
	}
	return 0
}

// Key returns the key as it was given, without the alias's prefix.
func (l *Lock) Key() string { return l.key }

// fail returns an *Error about this lock.
func (l *Lock) fail(op string, err error) error {
	return &Error{Op: op, Alias: l.alias, Key: l.key, Err: err}
}

// bind finds the alias, opening its store if nobody has yet.
func (l *Lock) bind(ctx context.Context) (*binding, error) {
	if b := l.bound.Load(); b != nil {
		return b, nil
	}
	if l.local {
		return l.bindLocal()
	}
	if l.key == "" { // with the prefix it would be a key
		return nil, because(ErrLockAcquire, driver.CheckKey(l.key))
	}
	registry := l.set.registry
	if registry == nil {
		registry = concurrent.Default()
	}
	sp, err := open(ctx, registry, l.alias)
	if err != nil {
		return nil, because(ErrLockAcquire, err)
	}
	if err := l.set.needs(sp); err != nil {
		return nil, err
	}
	b := &binding{space: sp, set: l.set, key: sp.prefix + l.key, mode: l.mode}
	l.bound.CompareAndSwap(nil, b)
	return l.bound.Load(), nil
}

// open returns the space of an alias.
func open(ctx context.Context, r *concurrent.Registry, alias string) (*space, error) {
	o, err := r.Open(ctx, alias)
	if err != nil {
		return nil, err
	}
	sp, ok := o.Attach(newSpace).(*space)
	if !ok { // the registry was shut down before anybody used the alias
		return nil, ErrClosed
	}
	return sp, nil
}
