package driver

import (
	"context"
	"iter"
	"time"
)

// The interfaces below are optional. Package locks finds them by type
// assertion. A Store whose ability depends on its server may implement one and
// answer ErrUnsupported; package locks then does what is written of stores
// without it.

// A Waiter can wait for a key in the store. Of other stores, package locks
// asks again and again, at intervals that grow to a quarter of a second.
type Waiter interface {
	// Acquire is TryAcquire, but waits while the key is held, until it is
	// granted or ctx ends. It is woken by the release, the expiry or the break
	// of what it waits for; it does not poll.
	//
	// When ctx ends, Acquire returns ctx's error, joined with ErrHeld if it is
	// certain that nothing was granted (a *HeldError, where the store knows who
	// holds the key), and leaves no trace in the store: it is in no queue, a grant
	// that it was woken for goes to the next waiter, and waiters that it alone held
	// up are served. The grant's Sent is that of the request that was granted, not
	// the first one.
	Acquire(ctx context.Context, r Request) (Grant, error)
}

// A Batcher extends many leases at once. Of other stores, package locks
// extends one lease after another.
type Batcher interface {
	// ExtendAll is Extend of every request, in as few round trips as the store
	// can. sent is the time just before the first of them left. errs is nil if
	// all were extended; else it has one entry a request, in order, nil for
	// those that were. The caller reuses rs after the return.
	ExtendAll(ctx context.Context, rs []Request) (sent time.Time, errs []error)
}

// A Keeper can leave a key held by nobody. Without it, WithKeep,
// WithKeepOnSuccess and WithMinHold are ErrUnsupported.
type Keeper interface {
	// Keep gives up the lease of (r.Key, r.Owner) and leaves the key held, in
	// r.Mode, until the lease ends: r.Lease from now (at least a millisecond,
	// Features.MinLease does not apply), or when it would have ended if
	// r.Lease is 0. Nobody can extend or release it then, only Break, and it
	// stays when the Store is closed. It returns ErrNotHeld, and changes
	// nothing, if that owner does not hold the key.
	Keep(ctx context.Context, r Request) error
}

// A KeepChecker may be unable to keep keys although it is a [Keeper], for want of
// rights for example. Of other Keepers, package locks takes it that they can.
type KeepChecker interface {
	// CheckKeep returns nil if Keep can work, ErrUnsupported with the reason if
	// it can't, or an error that says that this is not known. It makes what Keep
	// needs, and agrees with Keep: after nil, Keep does not return
	// ErrUnsupported. Package locks calls it before it acquires a lock that is
	// to be kept.
	CheckKeep(ctx context.Context) error
}

// A Pinger can tell whether locks can be had now. Of other stores, package
// concurrent finds out by taking a throw-away key and giving it back.
type Pinger interface {
	// Ping returns nil if a lock could be granted at this moment, else the error
	// that TryAcquire would return, such as ErrUnavailable. It holds no key, and
	// leaves nothing behind.
	Ping(ctx context.Context) error
}

// An Inspector can look at locks and break them. Without it, Inspect, List and
// Break of package locks are ErrUnsupported.
type Inspector interface {
	// Inspect tells who holds key and how many wait for it. A key that is free
	// has no holders and is no error.
	Inspect(ctx context.Context, key string) (Info, error)

	// List yields the keys that start with prefix and are held, in no order. A
	// key that was held, or free, all the while is listed, or not listed; any
	// other may be. After an error it ends.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Break ends every lease on key, kept ones too, wakes who waits for it,
	// and tells whom it broke. Their holders learn of it through [Notifier],
	// or by ErrNotHeld when they extend or release. A free key is ErrNotHeld.
	Break(ctx context.Context, key string) (Info, error)
}

// Info is what a store knows of a key.
type Info struct {
	Key     string
	Holders []Held // empty: free
	Waiters int    // how many wait in the store; −1: the store does not know

	// Queue is who waits, in the order in which they came, the first QueueShown of
	// them: Since is when each began to wait, Token and Until are zero. nil where the
	// store does not know.
	Queue []Held
}

// QueueShown is how many of those who wait Info.Queue names at most.
const QueueShown = 100

// Held is one lease as Inspect shows it.
type Held struct {
	Holder Holder
	Mode   Mode      // as it was granted: Slots with the n that was asked for
	Token  uint64    // 0: the store has none
	Since  time.Time // when it was granted; zero: the store does not know
	Until  time.Time // when it ends, on this machine's clock; zero: never by itself
}

// A Notifier tells when it lost a lease before its end: broken, or gone with
// the session, the server or the data that kept it. Of other stores, package
// locks learns that at the next renewal.
type Notifier interface {
	// NotifyLost has f called, soon and once, for every lease that was granted
	// through this Store and has ended otherwise than by Release, Keep, expiry
	// or Close. f returns quickly, calls no method of the Store, and may be
	// called from several goroutines at once. No call of f begins once stop has
	// returned, though one that had begun may still run.
	NotifyLost(f func(Loss)) (stop func())
}

// A Loss is a lease that ended before its time.
type Loss struct {
	Key, Owner string
	Err        error // why, for people to read
}

// A Warner tells what Open found that weakens the store's promises but may be
// meant, such as a server that evicts keys when memory is full.
type Warner interface {
	// Warnings returns one error for each finding, that says what may happen
	// and what would prevent it. They never change and need no I/O.
	Warnings() []error
}
