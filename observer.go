package concurrent

import (
	"context"
	"strconv"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// An Observer is told what happens to locks: for logs, metrics and traces. It
// is safe for concurrent use.
type Observer interface {
	// Observe is told of the outcome of a call in the caller's goroutine, before
	// the call returns. Everything else (waiting, renewals, losses, warnings) is
	// told in a background goroutine that delays no lease. Observe may use locks,
	// though each use is an event again. ctx carries the values of the context
	// with which the lock was asked for, never its end.
	//
	// A panic in the caller's goroutine goes on to the caller, when the other
	// observers were told, and leaves nothing held; one in the background is
	// told to the other observers as an EventStoreWarning.
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
	Key   string        // without the alias's prefix; "" for most of EventStoreWarning
	Label string        // see locks.WithLabel
	Mode  driver.Mode   // exclusive, shared, or one of n permits
	Token uint64        // of the lease; 0: there is none, or the store gives none
	Took  time.Duration // how long it took, where the Kind says so; else 0
	Held  time.Duration // how long the lease was held: of EventReleased, EventLost and EventLeaked; else 0
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
	// told once. An EventAcquired or EventRefused follows, or overtakes it where
	// an observer takes longer than a tenth of a second.
	EventWaiting

	// EventRenewed: a lease was extended, by itself or by Extend. Token is
	// set. Took is the time that the store took.
	EventRenewed

	// EventRenewalFailed: a lease could not be extended. It is tried again
	// until the lease ends. Token and Err are set. Took is the time that the
	// store took to fail.
	EventRenewalFailed

	// EventLost: a lease ended before its holder released it: it ran out,
	// could not be renewed, was broken, or the store lost it. Token and Held are
	// set, Err says which of these.
	EventLost

	// EventReleased: a lock was released, passed on to a waiter of this process,
	// or left held by nobody as asked for. Token and Held are set. Took is the
	// time that the store took. Err is set if the store did not confirm: the
	// lease is over here all the same, and the release is tried again in the
	// background.
	EventReleased

	// EventLeaked: a Lock or Lease was collected while it held a lease, which
	// is renewed no more and ends by itself. It is a mistake in the program: a
	// Release is missing. Token and Held are set, Err says so.
	EventLeaked

	// EventStoreWarning: something is wrong that is not the end of one attempt.
	// Err says what. There are four of them:
	//
	//   - The store may break its promises under circumstances, which Err names
	//     with what would prevent it. Each Observer is told once of each such
	//     warning: when the store is opened, or by Observe if it was open before.
	//   - A wait meets an outage of the store and goes on: told once in a wait.
	//     Key, ID, Label and Mode are those of the attempt.
	//   - A Shutdown or Remove has waited for holders for ten seconds, and again
	//     every ten seconds. Err names the keys and their holders.
	//   - An observer panicked in the background.
	//
	// But for the second, only Alias and Err are set.
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
