package concurrent

// AliasStats counts what happened on one alias. The counters begin when its
// store is opened, and never fall.
type AliasStats struct {
	Alias         string
	Held, Waiting int // now

	Acquired       uint64 // leases that were got
	Refused        uint64 // attempts that got none
	Lost           uint64 // leases that ended before their holders released them
	Renewed        uint64 // renewals that the store confirmed
	RenewalsFailed uint64 // renewals that it did not
	GivenBack      uint64 // leases given back in the background, which nobody got to use
}
