// Package locks gives named locks that keep the same promises on every store.
//
// A lock is a lease that its holder can trust: the holder's context ends, with
// a cause, before the lease can end on the store, whether or not the network
// answers; every exclusive grant has a fencing token larger than all earlier
// ones of its key; and waiters are notified where the store can do that.
//
//	var report = locks.Cache("locks", "report:2026-11", locks.WithWait(time.Minute))
//
//	total, err := locks.Do(ctx, report, func(ctx context.Context) (int, error) {
//		return build(ctx)
//	})
//
// # Do, Hold and Acquire
//
// Do runs a function under the lock and is right for most. Hold returns a Lease,
// for a lock that is taken in one place and given back in another. Both take a
// lease of their own each time, so that goroutines can share a Lock. The lease of
// Acquire belongs to the Lock: Release of any goroutine gives it back.
//
// # What no lock can promise
//
// At any moment the store records at most one holder per key while its data
// and its clock survive. A process that is paused or cut off may run on while
// another holder exists; no lock library can prevent that. Where overlap would
// corrupt data, pass the fencing token to the resource and let it refuse
// smaller ones. docs/guarantees.md has the whole text.
//
// Locks are not reentrant. Waiters of one process for one exclusive lock are
// served first come, first served; between processes about so.
package locks
