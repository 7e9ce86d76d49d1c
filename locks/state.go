package locks

// The states of a lease. It is held first, and only once anything else.
const (
	held     int32 = iota
	released       // or handed on
	lost           // extras.cause says why
)

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

// told returns what observers are told of the lease that comes of a.
func (a *attempt) told() *told {
	if a.report == nil {
		return nil
	}
	return &a.report.told
}
