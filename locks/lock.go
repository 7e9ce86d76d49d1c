package locks

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/redact"
)

// Cache returns the exclusive lock named key of the store configured as alias.
func Cache(alias, key string, opts ...Option) *Lock {
	return &Lock{alias: alias, key: key, options: newOptions(opts)}
}

// Write is Cache under the name that goes with Read: one writer, and no reader
// beside it.
func Write(alias, key string, opts ...Option) *Lock {
	return Cache(alias, key, opts...)
}

// Read returns the shared lock named key: many readers can hold it at once, but no
// writer (Write, Cache) at the same time. While a writer waits, no new reader gets
// the lock; so a reader that holds it must not wait for it again.
func Read(alias, key string, opts ...Option) *Lock {
	return &Lock{alias: alias, key: key, mode: driver.Shared, options: newOptions(opts)}
}

// Permit returns one of the n permits of the semaphore named key: it is granted while
// fewer than n are held. n is 1 to 65536, else ErrInvalidOption. Others may use another
// n, as during a deployment that changes it: at most the largest n in use are held at
// once.
func Permit(alias, key string, n int, opts ...Option) *Lock {
	o := newOptions(opts)
	mode := driver.Slots(n)
	if !mode.Valid() {
		o = o.refused("Permit takes 1 to %d permits; has %d", driver.MaxSlots, n)
	}
	return &Lock{alias: alias, key: key, mode: mode, options: o}
}

// valid returns the lock, or one that is refused for a nil or zero *Lock.
func (l *Lock) valid() *Lock {
	if l == nil || l.options == nil {
		return zeroLock
	}
	return l
}

var zeroLock = &Lock{options: noOptions.refused("the Lock is nil or zero; make it with Cache, Read, Write, Permit, Local or a Keyed")}

// Acquire takes the lock, waiting as WithWait says. It returns nil when this
// value holds it.
//
// If another holds the key when the wait is over, the error is ErrLockActive. It names
// the holder where the store knows it, and matches ctx.Err() too if ctx ended the wait.
// A wait that met nothing but an outage is ErrUnavailable. Acquire on a value that is
// active is ordinary contention. On a value whose lease was lost it returns ErrLockLost
// until Release was called. Everything else is ErrLockAcquire with the reason:
// ErrUnavailable, ErrUnfit, ErrUnsupported, ErrInvalidRequest, ErrClosed,
// concurrent.ErrUnknownAlias, or ctx's error; or it is ErrInvalidOption. With
// WithRaise(false), nil is returned instead of ErrLockActive unless ctx ended:
// see Active.
//
// A call that does not wait, with a ctx that has no deadline, takes at most five
// seconds, or the lease if that is shorter, and then returns ErrUnavailable. Opening
// the store, for the first lock that needs it, takes at most five seconds more.
//
// After an error nothing is held: what the store may have granted all the same
// is given back in the background. Once Acquire has returned, ctx has no
// effect on the lock.
func (l *Lock) Acquire(ctx context.Context) error {
	l = l.valid()
	err := l.acquire(ctx, l.options.wait)
	if l.options.quiet && onlyActive(err) {
		return nil
	}
	return err
}

// TryAcquire is Acquire that never waits: it returns false and no error when
// another holds the key.
func (l *Lock) TryAcquire(ctx context.Context) (bool, error) {
	err := l.valid().acquire(ctx, 0)
	if onlyActive(err) {
		return false, nil
	}
	return err == nil, err
}

// Active reports whether this value holds the lock: Acquire got it, it was neither
// released nor lost, and the local deadline has not passed. The deadline is one percent
// of the lease and two milliseconds before the earliest end that the lease can have on
// the store, whichever requests may still arrive there. Active compares clocks; it needs
// no network and no timer, and is right also in a process that was stopped meanwhile.
func (l *Lock) Active() bool {
	c := l.valid().current.Load()
	return c != nil && c.active()
}

// Release gives the lock back, or leaves the key held for as long as WithKeep and
// WithMinHold say. It works also when ctx has ended, and takes at most five seconds, or
// until a deadline of ctx that is still ahead and sooner.
//
// With nothing held it returns ErrNotHeld. If the lease was lost, it returns
// ErrLockLost, once, and touches nobody else's lease. If the store did not
// confirm the release, it returns ErrLockRelease; the value is not active then
// either, and the release, or the keeping, is tried again in the background. After
// any return the value can be acquired again.
func (l *Lock) Release(ctx context.Context) error {
	l = l.valid()
	c := l.current.Swap(nil)
	if c == nil {
		return l.fail("release", ErrNotHeld)
	}
	return c.release(ctx, used)
}

// Extend makes the lease end d from now, longer or shorter than it was; where
// it is renewed, later renewals ask for d too. d is at least 5 ms, or Forever; else
// ErrInvalidOption, as is Forever with WithKeep or WithKeepOnSuccess. WithMaxHold ends
// the lease all the same.
//
// It returns ErrNotHeld with nothing held, also when a Release came meanwhile, and
// ErrLockLost if the lease was lost, now or before. After another error the store may
// or may not have extended the lease, or may do so later: the value stays active until
// the earliest end that the lease can have.
func (l *Lock) Extend(ctx context.Context, d time.Duration) error {
	l = l.valid()
	c := l.current.Load()
	if c == nil {
		return l.fail("extend", ErrNotHeld)
	}
	if err := c.extend(ctx, d); err != nil {
		return l.fail("extend", err)
	}
	return nil
}

// Context returns a context of parent that ends, with the reason as its
// context.Cause, when this value no longer holds the lock: ErrLockLost,
// ErrLockExpired, or ErrNotHeld after Release. If nothing is held now, it has
// ended already, with ErrNotHeld or ErrLockLost. It needs no cancel: a context that is
// dropped costs nothing.
func (l *Lock) Context(parent context.Context) context.Context {
	l = l.valid()
	c := l.current.Load()
	if c == nil {
		ctx, cancel := context.WithCancelCause(parent)
		cancel(l.fail("hold", ErrNotHeld))
		return ctx
	}
	if c.state.Load() == held && !c.active() {
		c.expire()
	}
	return c.newContext(parent)
}

// Token returns the fencing token of the lease that this value holds or lost,
// and 0 when there is none or the store has no tokens. It is larger than those
// of all earlier exclusive grants of the key. Pass it with every write, to a
// resource that refuses smaller ones.
func (l *Lock) Token() uint64 {
	if c := l.valid().current.Load(); c != nil {
		return c.token
	}
	return 0
}

// Remaining returns how long the lock stays active if nothing renews or
// extends it: 0 when it is not active, Forever for a lease without end. A renewed
// lease that the store handed to a waiter is short at first: Remaining shows that
// until the store has extended it, one round trip later.
func (l *Lock) Remaining() time.Duration {
	if c := l.valid().current.Load(); c != nil {
		return c.remaining()
	}
	return 0
}

// Key returns the key as it was given, without the alias's prefix.
func (l *Lock) Key() string { return l.valid().key }

// String names the lock by its alias and key.
func (l *Lock) String() string {
	l = l.valid()
	if l.local {
		return "locks.Local"
	}
	return "locks.Lock " + shortKey(l.key) + " on " + redact.Name(l.alias)
}
