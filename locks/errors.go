package locks

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/concurrent-go/concurrent/driver"
)

// The errors of this package, matched with errors.Is. Functions return them
// inside an *Error.
var (
	// ErrLockActive: another holds the key, and the wait, if there was one, is
	// over. Nothing is held. It is only returned where the store, or a holder in
	// this process, said so.
	ErrLockActive = errors.New("locks: key is held by another")

	// ErrLockAcquire: the lock could not be asked for or the answer was of no
	// use; the error it is joined with says why. Nothing is held: what the
	// store may have granted all the same is given back in the background.
	ErrLockAcquire = errors.New("locks: lock could not be acquired")

	// ErrLockRelease: the store did not confirm the release. The lock is not
	// active any more. The release, or the keeping, is tried again in the
	// background; if that fails too, the key is free when the lease ends.
	ErrLockRelease = errors.New("locks: release was not confirmed")

	// ErrLockLost: the lease ended without a Release.
	ErrLockLost = errors.New("locks: lock was lost")

	// ErrLockExpired: the lease reached the end that WithExpire or WithMaxHold
	// gave it. It matches ErrLockLost too.
	ErrLockExpired error = expired{}

	// ErrInvalidOption: an option, or an argument, makes no sense. Nothing was
	// asked of the store.
	ErrInvalidOption = errors.New("locks: invalid option")

	// ErrNotHeld: nothing is held.
	ErrNotHeld = driver.ErrNotHeld

	// ErrClosed: the registry was shut down or the store was closed.
	ErrClosed = driver.ErrClosed

	// ErrInvalidRequest: the store refuses the key, the mode or the lease.
	ErrInvalidRequest = driver.ErrInvalidRequest

	// ErrUnavailable: the store can't be reached or can't serve now.
	ErrUnavailable = driver.ErrUnavailable

	// ErrUnsupported: the store can't do that.
	ErrUnsupported = driver.ErrUnsupported

	// ErrUnfit: the store would not keep the promises of a lock.
	ErrUnfit = driver.ErrUnfit
)

type expired struct{}

func (expired) Error() string        { return "locks: lease ended" }
func (expired) Is(target error) bool { return target == ErrLockLost }

// An Error says what failed, for which key. It is what every function of this
// package returns.
type Error struct {
	Op    string // "acquire", "release", "extend", "do", …
	Alias string // empty for Local; a note in its place if what was given is no name
	Key   string // as the caller wrote it, without the alias's prefix; empty for Local
	Err   error
}

// longestKey is how much of a key an error shows, in bytes.
const longestKey = 80

// Error returns one line with the operation, the key, and what went wrong.
func (e *Error) Error() string {
	if e == nil {
		return "locks: no error"
	}
	var b strings.Builder
	b.WriteString("locks: ")
	b.WriteString(e.Op)
	switch {
	case len(e.Key) > longestKey:
		fmt.Fprintf(&b, " %s… (%d bytes)", strconv.Quote(e.Key[:longestKey]), len(e.Key))
	case e.Key != "":
		b.WriteString(" " + strconv.Quote(e.Key))
	}
	if e.Alias != "" {
		b.WriteString(" on " + strconv.Quote(e.Alias))
	}
	if e.Err != nil {
		b.WriteString(": " + text(e.Err))
	}
	return b.String()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// A causeError is one of this package's sentinels with its cause.
type causeError struct{ kind, cause error }

// Error says both, or the one that says the other too.
func (e causeError) Error() string {
	kind, cause := text(e.kind), text(e.cause)
	switch {
	case strings.Contains(kind, cause):
		return kind
	case strings.Contains(cause, kind):
		return cause
	}
	if held, says := strings.CutPrefix(cause, text(driver.ErrHeld)); says && errors.Is(e.kind, ErrLockActive) {
		if by, named := strings.CutPrefix(held, " by "); named {
			return kind + ": " + by
		}
		return kind + held // which says for how long, or nothing
	}
	return kind + ": " + cause
}

func (e causeError) Unwrap() []error { return []error{e.kind, e.cause} }

// withCause returns kind, with cause where there is one.
func withCause(kind, cause error) error {
	if cause == nil || errors.Is(cause, kind) && cause.Error() == kind.Error() {
		return kind
	}
	return causeError{kind, cause}
}

// joinErrors is errors.Join on one line.
func joinErrors(errs ...error) error {
	var some jointError
	for _, err := range errs {
		if err != nil {
			some = append(some, err)
		}
	}
	switch len(some) {
	case 0:
		return nil
	case 1:
		return some[0]
	}
	return some
}

type jointError []error

func (e jointError) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = oneLine(err.Error())
		if strings.HasPrefix(texts[0], "locks: ") && i > 0 {
			texts[i] = text(err) // the package's name once
		}
	}
	return strings.Join(texts, "; ")
}

func (e jointError) Unwrap() []error { return e }

// text is err's message on one line, without the package's name, which *Error
// writes once.
func text(err error) string {
	s := strings.TrimPrefix(oneLine(err.Error()), "locks: ")
	return strings.TrimPrefix(s, "driver: ")
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\n\r") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}

// isDefinite reports whether err tells that nothing was granted.
func isDefinite(err error) bool {
	return errors.Is(err, driver.ErrHeld) || errors.Is(err, driver.ErrInvalidRequest) ||
		errors.Is(err, driver.ErrUnsupported) || errors.Is(err, driver.ErrClosed)
}

// onlyActive reports whether err says that another holds the key, and no more: the
// context did not end.
func onlyActive(err error) bool {
	return errors.Is(err, ErrLockActive) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// ended returns why ctx ended: its Err, and its Cause where that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return err
	}
	return causeError{err, cause}
}

// shortKey is a key as texts show it.
func shortKey(key string) string {
	if len(key) > longestKey {
		return fmt.Sprintf("%s… (%d bytes)", key[:longestKey], len(key))
	}
	return key
}

// errReleased is the cause of a context whose lock was released.
var errReleased = &Error{Op: "hold", Err: causeError{ErrNotHeld, errors.New("it was released")}}

var errPanicked = errors.New("the driver or an observer panicked")
