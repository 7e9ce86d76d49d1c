package concurrent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// grace is how much longer than its context something is waited for: one that
// looks at its context ends soon after it, and can still say how.
const grace = 250 * time.Millisecond

// graceToClose is the part of it that is left for closing a store, whose locks would
// not be drained.
const graceToClose = 50 * time.Millisecond

var errNoAnswer = errors.New("it ended its goroutine without an answer")

// guard calls what a driver implements. A panic in it becomes an error: a
// mistake in a driver is to fail what needs its store, not the program.
func (a *alias) guard(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = a.scrub(panicked(a.origin, p))
		}
	}()
	return call()
}

// panicked says who panicked. It matches a value that is an error.
func panicked(who string, value any) error {
	if err, ok := value.(error); ok {
		return fmt.Errorf("%s panicked: %w", who, err)
	}
	return fmt.Errorf("%s panicked: %v", who, value)
}

// unanswered returns err, of a call that a driver was at when ctx ended. If it ended by
// a deadline, the store is away; if its caller cancelled it, nobody knows.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) || errors.Is(err, driver.ErrUnavailable) {
		return err
	}
	if bound := context.Cause(ctx); errors.Is(bound, errPingBound) {
		return bound // the caller knows of no deadline
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: the driver has not answered: %w", driver.ErrUnavailable, err)
	}
	return err
}

// inBackground runs a call in a goroutine of its own and returns where it sends
// its error, which is errNoAnswer if it ends the goroutine.
func inBackground(call func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := errNoAnswer
		defer func() { done <- err }()
		err = call()
	}()
	return done
}

// A patience is how long several calls, one after another, are waited for together:
// until a grace after ended was closed.
type patience struct {
	ended <-chan struct{}
	until time.Time // zero: ended was open when it was looked at
}

// await returns what comes out of done, or reports by false that p is over but for
// what it is to leave to later calls.
func await[T any](p *patience, done <-chan T, leave time.Duration) (value T, ok bool) {
	select {
	case value = <-done:
		return value, true
	case <-p.ended:
	}
	if p.until.IsZero() {
		p.until = time.Now().Add(grace)
	}
	timer := time.NewTimer(time.Until(p.until) - leave)
	defer timer.Stop()
	select {
	case value = <-done:
		return value, true
	case <-timer.C:
		return value, false
	}
}
