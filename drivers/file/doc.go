// Package file keeps locks in a directory, for the processes of one machine,
// without a server. Its URL is file:///path/of/the/directory.
//
// # What it promises
//
// A lock is a lease in a small state file. The state files are read and
// written under a lock of the kernel (flock) on a file beside them, and a
// change becomes visible in one step, so that a process killed at any instant
// leaves the state as it was before its change or after it.
//
// Every open store holds a kernel lock of its own as long as its process
// lives. A killed holder is known by that: whoever tries its key next gets it
// at once, and who waits for the key gets it within a tenth of a second, also
// where the lease was to be Forever. A frozen holder's lock is free when its
// lease ends.
//
// # What it does not
//
// All processes must run on one machine, under one kernel; a directory on a
// network file system is refused. A process that is frozen (SIGSTOP, a frozen
// container) in the few microseconds in which it changes a state file stops
// the keys of that file, one in 64, until it goes on or is killed: calls on
// those keys wait as long as their context allows and then return
// driver.ErrUnavailable. Whoever may write in the directory can take and break
// any lock in it, so it must belong to the user alone.
//
// Removing files from the directory while programs use it is a loss of the
// store's data: leases may be granted again while their holders still trust
// them, with larger tokens.
package file
