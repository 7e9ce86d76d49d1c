package chaos

import (
	"cmp"
	"testing"
	"time"
)

// A Harness is how a driver's store is started and what can go wrong with it.
type Harness struct {
	// Name is the driver's, with what is special about the store.
	Name string
	// Inside is of a store that processes can't share: each "process" is a
	// registry of the test's own process.
	Inside bool
	// User is whom the processes run as; 0 is who runs the test. Only root can
	// choose.
	User uint32
	// Lease is what the processes' aliases have; 2 s if it is 0. It is short, so
	// that faults outlast it, and long enough for renewals on a machine that has
	// much to do.
	Lease time.Duration
	// Shortest is the shortest lease that clients ask for; 0: a fourth of Lease.
	Shortest time.Duration
	// Silence is after how long without a word from a process the store frees all
	// that it holds, whatever its leases are; 0: it looks at each lease alone. What
	// a process holds that is frozen for that long may be another's before the
	// lease ends.
	Silence time.Duration
	// Start makes a store that nobody else uses and that ends with the test.
	// Seed is the run's.
	Start func(t testing.TB, seed uint64) *Place
}

// A Place is a store that runs.
type Place struct {
	// URL is what process number n opens, counted from 0. Processes may reach
	// the store by different ways.
	URL func(n int) string
	// Version says what the store is, for the summary.
	Version string
	// Faults are what can go wrong with it, beside its processes.
	Faults []Fault
}

// A Fault is something that goes wrong. What its functions do, they have done
// when they return.
type Fault struct {
	// Name says what it is, in the summary.
	Name string
	// On says what it is done to: faults of one thing never come together.
	On string
	// Breaks says that it breaks the store's own promise to remember what it
	// granted. Holders may overlap then; tokens must grow all the same.
	Breaks bool
	// Begin starts it.
	Begin func() error
	// End ends it; nil: it was over when Begin returned.
	End func() error
	// After makes ready for the next time, which harms nobody; nil: nothing is to
	// be made.
	After func() error
}

// Options are how a run goes.
type Options struct {
	Duration time.Duration // of all rounds together; default: a minute, some seconds with -short
	Seed     uint64        // default: a random one
	Results  string        // the folder that gets the summary; empty: none
}

// terms are the harness's lease, and the shortest one.
func (h *Harness) terms() (lease, shortest time.Duration) {
	lease = cmp.Or(h.Lease, 2*time.Second)
	return lease, cmp.Or(h.Shortest, lease/4)
}

const (
	processes = 4
	clients   = 4
	// longest is how long a round lasts at most: histories of few thousand
	// operations can be searched.
	longest = time.Minute
	// search is how long an order of events of one key is looked for.
	search = 10 * time.Second
)
