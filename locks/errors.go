package locks

import (
	"errors"
	"strconv"
	"strings"

	"github.com/concurrent-go/concurrent/driver"
)

// The errors of this package, matched with errors.Is. Functions return them
// inside an *Error.
var (
	// ErrLockActive: another holds the key, and the wait, if there was one, is
	// over. Nothing is held.
	ErrLockActive = errors.New("locks: key is held by another")

	// ErrLockAcquire: the lock could not be asked for or the answer was of no
	// use; the error it is joined with says why. Nothing is held: what the
	// store may have granted all the same is given back in the background.
	ErrLockAcquire = errors.New("locks: lock could not be acquired")

	// ErrLockRelease: the store did not confirm the release. The lock is not
	// active any more. The release is tried again in the background; if that
	// fails too, the key is free when the lease ends.
	ErrLockRelease = errors.New("locks: release was not confirmed")

	// ErrLockLost: the lease ended without a Release.
	ErrLockLost = errors.New("locks: lock was lost")

	// ErrLockExpired: the lease reached the end that WithExpire gave it. It
	// matches ErrLockLost too.
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
	Alias string // empty for Local
	Key   string // as the caller wrote it, without the alias's prefix; empty for Local
	Err   error
}

// Error returns one line with the operation, the key, and what went wrong.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("locks: ")
	b.WriteString(e.Op)
	if e.Key != "" {
		b.WriteString(" " + strconv.Quote(e.Key))
	}
	if e.Alias != "" {
		b.WriteString(" on " + strconv.Quote(e.Alias))
	}
	b.WriteString(": " + text(e.Err))
	return b.String()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// A fault is one of this package's sentinels with its cause.
type fault struct{ kind, cause error }

func (f fault) Error() string   { return text(f.kind) + ": " + text(f.cause) }
func (f fault) Unwrap() []error { return []error{f.kind, f.cause} }

// because returns kind, with cause where there is one.
func because(kind, cause error) error {
	if cause == nil || errors.Is(cause, kind) && cause.Error() == kind.Error() {
		return kind
	}
	return fault{kind, cause}
}

// text is err's message without the package's name, which *Error writes once.
func text(err error) string {
	s := strings.TrimPrefix(err.Error(), "locks: ")
	return strings.TrimPrefix(s, "driver: ")
}
