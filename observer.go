package concurrent

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// An Observer is told what happens to locks: for logs, metrics and traces. It
// is safe for concurrent use.
type Observer interface {
	// Observe is called in the goroutine in which e happened, and what happens
	// next waits for it: it returns soon, and does not block. It may use
	// locks, though each use is an event again. ctx carries neither a deadline
	// nor the values of who asked for the lock.
	Observe(ctx context.Context, e Event)
}

// An Event is something that happened to a lock, or to a store.
type Event struct {
	Kind  EventKind
	Alias string
	Key   string        // without the alias's prefix; "" for EventStoreWarning
	Token uint64        // of the lease; 0: there is none, or the store gives none
	Took  time.Duration // how long it took, where the Kind says so; else 0
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
// the warnings of the stores that are open already. There is no way to remove
// it. Without Observers, events cost nothing. It panics if o is nil.
func (r *Registry) Observe(o Observer) {
	if o == nil {
		panic("concurrent: Observe of a nil Observer")
	}
	// An alias is either open now, or finds o when it is made known.
	r.mu.Lock()
	all := o
	switch before := r.observer().(type) {
	case nil:
	case observers:
		all = append(slices.Clone(before), o)
	default:
		all = observers{before, o}
	}
	r.observed.Store(&all)
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
}

// observer returns who is told of events, or nil.
func (r *Registry) observer() Observer {
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
