package concurrent

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// An Observer is told what happens to locks: for logs, metrics and traces. It
// is safe for concurrent use.
type Observer interface {
	// Observe is told of what a caller asked for in the caller's goroutine,
	// before the call returns, and of what happened by itself (renewals and
	// losses) in a goroutine that delays no lease. It may use locks, though each
	// use is an event again. ctx carries the values of the context with which
	// the lock was asked for, never its end.
	//
	// A panic in the caller's goroutine goes on to the caller, and leaves
	// nothing held; one in the background is told to the other observers as an
	// EventStoreWarning.
	Observe(ctx context.Context, e Event)
}

// An Event is something that happened to a lock, or to a store.
type Event struct {
	Kind EventKind
	// ID ties the events of one attempt together: waiting, acquired or refused,
	// renewed, lost, released. Exactly one of acquired and refused follows every
	// attempt. It is never 0 but for events that belong to no attempt.
	ID    uint64
	Alias string
	Key   string        // without the alias's prefix; "" for most EventStoreWarnings
	Label string        // see locks.WithLabel
	Mode  driver.Mode   // exclusive, shared, or one of n permits
	Token uint64        // of the lease; 0: there is none, or the store gives none
	Took  time.Duration // how long it took, where the Kind says so; else 0
	Held  time.Duration // how long the lease was held, when it ended; else 0
	Err   error         // why, where the Kind says so; else nil
}

// EventKind says what happened.
type EventKind uint8

// The kinds of events. Their numbers are fixed; new ones are added at the end.
const (
	// EventAcquired: a lock was got. Token is set. Took is the time since the
	// lock was asked for, waiting included.
	EventAcquired EventKind = iota + 1

	// EventRefused: a lock was asked for and not got. Err says why: held by
	// another, the wait ran out, the store failed. Took is the time since it
	// was asked for.
	EventRefused

	// EventWaiting: an Acquire waits: behind another of this process, or for
	// the store, which has not granted the lock within ten milliseconds. It is
	// told once, and an EventAcquired or EventRefused follows.
	EventWaiting

	// EventRenewed: a lease was extended, by itself or by Extend. Token is
	// set. Took is the time that the store took.
	EventRenewed

	// EventRenewalFailed: a lease could not be extended. It is tried again
	// until the lease ends. Token and Err are set. Took is the time that the
	// store took to fail.
	EventRenewalFailed

	// EventLost: a lease ended before its holder released it: it ran out,
	// could not be renewed, was broken, or the store lost it. Token is set,
	// Err says which of these.
	EventLost

	// EventReleased: a lock was released, or left held by nobody as asked for.
	// Token is set. Took is the time that the store took.
	EventReleased

	// EventLeaked: a Lock was collected while it held a lease, which is
	// renewed no more and ends by itself. It is a mistake in the program: a
	// Release is missing. Token is set, Err says so.
	EventLeaked

	// EventStoreWarning: a store was opened that may break its promises under
	// circumstances that Err names, with what would prevent it. Only Alias and
	// Err are set. Each Observer is told once of each warning: when the store
	// is opened, or by Observe if it was open before.
	EventStoreWarning
)

var kindNames = [...]string{
	EventAcquired:      "acquired",
	EventRefused:       "refused",
	EventWaiting:       "waiting",
	EventRenewed:       "renewed",
	EventRenewalFailed: "renewal failed",
	EventLost:          "lost",
	EventReleased:      "released",
	EventLeaked:        "leaked",
	EventStoreWarning:  "store warning",
}

// String returns the kind in lower-case words, such as "renewal failed".
func (k EventKind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "event " + strconv.Itoa(int(k))
	}
	return kindNames[k]
}

// Observe adds an Observer, which is told of everything from now on, and of
// the warnings of the stores that are open already, until remove is called. A
// call of o that had begun by then may still run. Without Observers, events cost
// nothing. It panics if o is nil.
func (r *Registry) Observe(o Observer) (remove func()) {
	if o == nil {
		panic("concurrent: Observe of a nil Observer")
	}
	added := &observing{o}
	// An alias is either open now, or finds o when it is made known.
	r.mu.Lock()
	r.setObservers(append(slices.Clone(r.observing), added))
	aliases := r.load().aliases
	opened := make([]*Opened, 0, len(aliases))
	for _, a := range aliases {
		if already := a.opened.Load(); already != nil {
			opened = append(opened, already)
		}
	}
	r.mu.Unlock()
	for _, a := range opened {
		a.warn(o)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.setObservers(slices.DeleteFunc(slices.Clone(r.observing), func(other *observing) bool { return other == added }))
	}
}

// An observing is one call of Observe: an Observer may be added twice.
type observing struct{ Observer }

// setObservers makes known who is told of events. r.mu is held.
func (r *Registry) setObservers(all []*observing) {
	r.observing = all
	switch len(all) {
	case 0:
		r.observed.Store(nil)
	case 1:
		r.observed.Store(&all[0].Observer)
	default:
		several := make(observers, len(all))
		for i, o := range all {
			several[i] = o.Observer
		}
		one := Observer(several)
		r.observed.Store(&one)
	}
}

// Observer returns one Observer that tells all that were added, or nil if there
// is none. It costs one atomic load. It is for package locks.
func (r *Registry) Observer() Observer {
	if o := r.observed.Load(); o != nil {
		return *o
	}
	return nil
}

// observers tells each in turn.
type observers []Observer

func (os observers) Observe(ctx context.Context, e Event) {
	for _, o := range os {
		o.Observe(ctx, e)
	}
}
