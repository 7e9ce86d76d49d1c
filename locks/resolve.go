package locks

import (
	"context"
	"errors"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// resolve finds the alias, opening its store if nobody has yet. What it found before
// holds until the alias is removed, or another registry is the default one.
func (l *Lock) resolve(ctx context.Context) (*resolvedLock, error) {
	before := l.resolved.Load()
	if before != nil && before.current() {
		return before, nil
	}
	if l.local {
		return l.resolveLocal()
	}
	if l.key == "" { // with the prefix it would be a key
		return nil, withCause(ErrLockAcquire, driver.CheckKey(l.key))
	}
	c, err := open(ctx, l.options.registryOr(), l.alias)
	if err != nil {
		return nil, withCause(ErrLockAcquire, err)
	}
	if err := c.meets(ctx, l.options); err != nil {
		if !errors.Is(err, ErrInvalidOption) {
			err = withCause(ErrLockAcquire, err)
		}
		return nil, err
	}
	rl := &resolvedLock{client: c, options: l.options, key: c.prefix + l.key, mode: l.mode}
	if l.mode != driver.Exclusive {
		rl.turn = make(chan struct{}, 1)
	}
	if !l.resolved.CompareAndSwap(before, rl) { // another was faster
		if other := l.resolved.Load(); other.client == c {
			return other, nil
		}
	}
	return rl, nil
}

// current reports whether the alias is the one that it was; a local lock has none.
func (rl *resolvedLock) current() bool {
	c := rl.client
	return rl.local != nil || !c.closed.Load() && (rl.options.registry != nil || c.opened.Registry() == concurrent.Default())
}

// request is what the store is asked for, with a new owner.
func (rl *resolvedLock) request() driver.Request {
	c := rl.client
	length, renewed := rl.options.terms(c.lease)
	return driver.Request{
		Key: rl.key, Owner: c.ids.next(), Lease: rl.storeLength(length, 0), Mode: rl.mode, Holder: c.holder(rl.options),
		Brief: renewed, // it will be extended all the same
	}
}
