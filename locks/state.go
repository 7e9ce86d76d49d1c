package locks

import "sync"

// The states of a lease. It is held first, and only once anything else.
const (
	held     int32 = iota
	released       // or handed on
	lost           // extras.cause says why
)

// extras are what few leases have: leases are many, and small without. They are made
// when one is needed first, and stay.
type extras struct {
	mu    sync.Mutex
	cause *Error  // why the lease was lost, for who holds it; written before the state
	ends  *ending // the contexts that end with it; nil: nobody looked at one
	told  *told   // nil: no observer was told of it

	extending sync.Mutex // one Extend at a time
}

// extras returns the lease's.
func (l *lease) extras() *extras {
	if x := l.extra.Load(); x != nil {
		return x
	}
	l.extra.CompareAndSwap(nil, new(extras))
	return l.extra.Load()
}

// observedAs notes what an observer is told of l, which nobody else knows yet, and
// whether its caller has it only after that.
func (l *lease) observedAs(t *told) {
	if l.claimed = t == nil; t != nil {
		l.extra.Store(&extras{told: t})
	}
}

// finish ends the lease, and its contexts, with cause: errReleased, or why it was lost.
// Only one caller gets true.
func (l *lease) finish(cause *Error) bool {
	ends, ok := l.finishNow(cause)
	if ends != nil {
		ends.cancel(cause)
	}
	return ok
}

// finishNow is finish, but the caller ends the contexts, without any lock.
func (l *lease) finishNow(cause *Error) (ends *ending, ok bool) {
	if cause == errReleased {
		ok = l.state.CompareAndSwap(held, released)
	} else {
		ok = l.markLost(cause)
	}
	// Who adds a context has made the extras before it looks at the state: either
	// it sees that the lease is over, or the context is found here.
	if x := l.extra.Load(); ok && x != nil {
		x.mu.Lock()
		ends, x.ends = x.ends, nil
		x.mu.Unlock()
	}
	return ends, ok
}

// markLost makes a lease that is held one that was lost.
func (l *lease) markLost(cause *Error) bool {
	x := l.extras()
	x.mu.Lock()
	defer x.mu.Unlock()
	if l.state.Load() != held {
		return false
	}
	x.cause = cause
	return l.state.CompareAndSwap(held, lost) // it may have been released meanwhile
}

// endCause returns why the lease is over: errReleased, or why it was lost; nil while it
// is held.
func (l *lease) endCause() *Error {
	switch l.state.Load() {
	case held:
		return nil
	case released:
		return errReleased
	}
	return l.extra.Load().cause
}

// why is endCause, as an error.
func (l *lease) why() error {
	if cause := l.endCause(); cause != nil {
		return cause
	}
	return nil
}
