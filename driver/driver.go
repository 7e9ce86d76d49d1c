package driver

import (
	"context"
	"net/url"
	"time"
)

// A Driver makes connectors from URLs. It is registered under the URL's scheme
// with concurrent.Register. Its methods are safe for concurrent use.
type Driver interface {
	// Connector checks every part of u, without I/O, and returns what can open
	// the store that u describes. A part that is malformed, and a query
	// parameter that the driver does not know, is an error that names it and
	// says what would be right. No error contains u's password.
	Connector(u *url.URL) (Connector, error)
}

// A Connector opens one store. It is safe for concurrent use.
type Connector interface {
	// Open connects to the store and finds out whether it is fit to hold
	// locks. Every call opens another Store, and stores opened from equal URLs
	// share their locks unless the driver documents otherwise.
	//
	// Open returns ErrUnavailable when the store can't be reached, ErrUnfit
	// when it can be but would not keep the promises of this package (the
	// error says what would), or ctx's error. A failure leaves nothing open.
	// The Store outlives ctx.
	Open(ctx context.Context) (Store, error)
}

// A Store grants, extends and releases leases on keys. It is safe for
// concurrent use.
//
// Every method checks its Request ([Request.Check]) and then ctx before it
// does anything, returns soon after ctx ends, and returns ErrClosed after
// Close. Where the caller gave no deadline, package locks gives a call one: the
// lease or five seconds, whichever is shorter. Only Acquire of a [Waiter] may take
// longer: as long as the caller waits.
//
// A driver may repeat a request that failed only where it is certain that the
// first one was not carried out and never will be. A repetition that the first
// one could follow would let a lease come back after its Release, or be
// shortened after it was extended.
//
// A store may implement the interfaces of optional.go too: [Waiter], [Batcher],
// [Keeper], [Inspector], [Notifier] and more.
//
// Nothing that package fmt makes of a Store or a Connector, by whatever verb,
// contains a password.
type Store interface {
	// TryAcquire asks for a lease on r.Key once, and never waits for a holder.
	//
	// It is idempotent in (Key, Owner): while that owner holds the key, in the
	// same mode, it is granted again with the same token and the lease starts
	// anew, so that a caller who missed a reply can ask again. Spare then tells
	// of the same grant: Token+Spare stays below the next token. An owner who
	// asks again in another mode, as which Slots of another number count, is
	// refused with ErrInvalidRequest or ErrHeld, and keeps its lease as it was.
	//
	// A key that is held in a way that excludes r.Mode is a *HeldError, which
	// matches ErrHeld. A key in use as a semaphore refuses Exclusive and Shared
	// with ErrHeld or ErrInvalidRequest, and one held so refuses Slots.
	//
	// Permits of one key may be of different sizes: Slots(n) is granted while
	// fewer than n are held, with whatever n those were asked for. So at most
	// the largest n in use are held at once, and nobody is refused because sizes
	// differ: a program that is being deployed changes n while it runs.
	//
	// Writers are not starved: while somebody waits for the key in Exclusive
	// mode, no further Shared lease is granted to a newcomer. Whether TryAcquire
	// takes what has become free before others who wait for it, a key alone or a
	// permit, is left to the store.
	TryAcquire(ctx context.Context, r Request) (Grant, error)

	// Extend makes the lease of (r.Key, r.Owner) end r.Lease from now, longer
	// or shorter than it was, and returns the time just before the request
	// left. It returns ErrNotHeld, and changes nothing, if that owner does not
	// hold the key (any more), or holds it in another mode than r.Mode. After
	// another error the lease may have been extended or not.
	Extend(ctx context.Context, r Request) (sent time.Time, err error)

	// Release ends the lease of (r.Key, r.Owner) and wakes who waits for the
	// key. It returns ErrNotHeld, and changes nothing, if that owner does not
	// hold it, or holds it in another mode than r.Mode. Neither Extend nor
	// Release ever touches another owner's lease.
	// After another error the lease may have ended; if not, it ends by itself.
	Release(ctx context.Context, r Request) error

	// Features tells what the store can do. It never changes and needs no I/O.
	Features() Features

	// Close releases what was granted through this Store and neither released
	// nor kept (see [Keeper]), makes its waits return ErrClosed, and frees its
	// connections and goroutines. Once Close has returned, no method of the
	// Store does anything. It is bounded in time also when the store can't be
	// reached: leases that it could not release end by themselves. Closing
	// again does nothing and returns nil.
	Close() error
}

// Features tells what a store can do.
type Features struct {
	// Fencing: every grant has a token. Without it, tokens are 0.
	Fencing bool
	// FIFO: the waiters of one Store are granted a key in the order in which
	// they came, whatever their modes. A permit of a small n is not passed by
	// larger ones behind it, although there is room for them: while they come and
	// go, there might never be room for it.
	FIFO bool
	// MinLease is the shortest lease whose end the store itself guarantees;
	// shorter ones are refused with ErrInvalidRequest. At least a millisecond.
	// Package locks gives shorter ones all the same: it asks for MinLease, and
	// ends the lease itself when it is over.
	MinLease time.Duration
	// Ordered: the requests of this Store can't overtake one another, not even
	// one whose caller was told that it failed. Without it, package locks takes
	// every request whose answer never came for one that may still arrive.
	Ordered bool
	// MaxHeld is how many leases one Store can hold at once; the next one is
	// refused with ErrUnavailable. 0 means that only memory limits it.
	MaxHeld int
}

// A Grant is what a store gave.
type Grant struct {
	// Token is larger than every token that an earlier exclusive grant of the
	// key had, and below 1<<63. An exclusive grant's token is larger than the
	// tokens of all earlier grants of the key, in any mode. Spare tokens count
	// as those of the grant they belong to. Readers, or permits, with no
	// exclusive grant between them may have equal tokens, or in any order: they
	// hold the key together. Tokens grow across release, expiry, a restart of
	// the store and the loss of its data. 0: the store has none.
	Token uint64
	// Spare says that Token+1 … Token+Spare belong to this grant too: its
	// holder may pass the lease on that many times, each time with the next
	// token. Where the store has no tokens it is how often the lease may be
	// passed on all the same. Not negative.
	Spare int
	// Sent is when the request that was granted left, read just before that,
	// with the monotonic clock. The lease ends on the store no earlier than
	// Sent plus the lease asked for, or plus Lease if that is not 0.
	Sent time.Time
	// Lease, if it is not 0, is how long the lease is instead of what was asked
	// for: at most half of it, and only for a Brief request. The store handed it to
	// a waiter, which need not ask again. The holder extends it at once: a holder
	// that is frozen before that excludes the others for this short time only.
	Lease time.Duration
}

// Forever as a lease never ends by itself: only Release, Break or the loss of
// the store's data end it.
const Forever time.Duration = 1<<63 - 1
