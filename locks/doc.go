// Package locks gives named locks that keep the same promises on every store.
//
// A lock is a lease that its holder can trust: the holder's context ends, with
// a cause, before the lease can end on the store, whether or not the network
// answers; every exclusive grant has a fencing token larger than all earlier
// ones of its key; and who waits is woken, and does not poll.
//
//	var report = locks.Cache("locks", "report:2026-11", locks.WithWait(time.Minute))
//
//	total, err := locks.Do(ctx, report, func(ctx context.Context) (int, error) {
//		return build(ctx)
//	})
//
// # What no lock can promise
//
// At any moment the store records at most one holder per key while its data
// and its clock survive. A process that is paused or cut off may run on while
// another holder exists; no lock library can prevent that. Where overlap would
// corrupt data, pass the fencing token to the resource and let it refuse
// smaller ones. docs/guarantees.md has the whole text.
//
// Locks are not reentrant. Waiters of one process are served first come first
// served; between processes about so.
package locks
