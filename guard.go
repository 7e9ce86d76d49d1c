package concurrent

import (
	"errors"
	"fmt"
	"time"
)

// grace is how much longer than its context something is waited for: one that
// looks at its context ends soon after it, and can still say how.
const grace = 250 * time.Millisecond

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

// await returns what comes out of done. It gives up a grace after ended is
// closed, and reports that by false.
func await[T any](ended <-chan struct{}, done <-chan T) (value T, ok bool) {
	select {
	case value = <-done:
		return value, true
	case <-ended:
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case value = <-done:
		return value, true
	case <-timer.C:
		return value, false
	}
}
