package locks

import (
	"context"
	"errors"
	"time"
	"weak"
)

// Do takes a lease, calls fn, and releases the lease. fn's context carries the
// fencing token (see the function Token) and ends when the lease does, with
// ErrLockLost or ErrLockExpired as its context.Cause; fn should return soon
// then. Do waits for fn in any case.
//
// fn never runs without the lock, nor with a ctx that has ended already: on a held
// key, Do returns ErrLockActive once the wait is over, whatever WithRaise says, and
// Acquire's other errors as Acquire does. Otherwise it returns fn's error joined with
// Release's, which is ErrLockLost if fn outlived the lease. A panic in fn goes on
// after the release. A nil fn is ErrInvalidOption.
//
// The lease is not the one that Acquire gets on l, so many goroutines can call Do on
// one Lock. Inside fn, with its context, acquiring the same key in a mode that excludes
// this one is ErrLockActive at once, also with WithWait: it could never succeed. Work
// that fn starts and does not wait for uses Detach, and may wait.
func (l *Lock) Do(ctx context.Context, fn func(ctx context.Context) error) error {
	l = l.valid()
	return l.do(ctx, l.options.wait, fn)
}

func (l *Lock) do(ctx context.Context, wait time.Duration, fn func(ctx context.Context) error) (err error) {
	if fn == nil {
		return l.fail("do", withCause(ErrInvalidOption, errors.New("the function is nil")))
	}
	a := l.attempt(ctx, wait, weak.Pointer[anchor]{})
	c, err := a.lease()
	if err != nil {
		return l.fail("do", err)
	}
	u := unused
	defer func() {
		if released := c.release(ctx, u); released != nil {
			err = joinErrors(err, released)
		}
	}()
	if err := a.acquired(c); err != nil {
		return l.fail("do", err)
	}
	inner := c.newContext(ctx)
	if a.report != nil || ctx.Err() != nil { // some time has passed
		if err := inner.Err(); err != nil {
			return l.fail("do", withCause(ErrLockAcquire, ended(inner)))
		}
	}
	u = used
	if err = fn(inner); err == nil {
		u = succeeded
	}
	return err
}

// A Doer runs a function under a lock. *Lock is one; others may put several
// locks, or a condition, behind it.
type Doer interface {
	Do(ctx context.Context, fn func(ctx context.Context) error) error
}

// Do is l.Do for a function that returns a value. It returns what fn returned, also
// together with an error of the release, and the zero value if fn did not run. Errors
// are those of Lock.Do; a nil l or fn is ErrInvalidOption.
func Do[T any](ctx context.Context, l Doer, fn func(ctx context.Context) (T, error)) (T, error) {
	var value T
	if l == nil || fn == nil {
		return value, &Error{Op: "do", Err: withCause(ErrInvalidOption, errors.New("the lock or the function is nil"))}
	}
	err := l.Do(ctx, func(ctx context.Context) (err error) {
		value, err = fn(ctx)
		return err
	})
	return value, err
}

// GetOrSet returns what get finds. If get finds nothing (false), it acquires l, waiting
// until ctx ends whatever WithWait says, calls get again, and calls compute only if
// there is still nothing: so of many callers one computes and the others find its value.
// compute must store the value where get looks. GetOrSet returns compute's value and
// error. An error of get ends it at once; others are those of Lock.Do. A nil l or
// function is ErrInvalidOption.
func GetOrSet[T any](
	ctx context.Context, l *Lock,
	get func(context.Context) (T, bool, error),
	compute func(context.Context) (T, error),
) (T, error) {
	var value T
	if l == nil || get == nil || compute == nil {
		return value, &Error{Op: "get or set", Err: withCause(ErrInvalidOption, errors.New("the lock or a function is nil"))}
	}
	value, found, err := get(ctx)
	if found || err != nil {
		return value, err
	}
	err = l.valid().do(ctx, Forever, func(ctx context.Context) (err error) {
		if value, found, err = get(ctx); found || err != nil {
			return err
		}
		value, err = compute(ctx)
		return err
	})
	return value, err
}
