package concurrent

import (
	"maps"
	"slices"
)

// AliasStats counts what happened on one alias, in this process. The counters
// begin when its store is opened, and never fall. Locks of locks.Local have none.
type AliasStats struct {
	Alias         string
	Held, Waiting int // leases, and calls that wait, now

	Acquired       uint64 // leases that were got
	Refused        uint64 // attempts that got none
	Lost           uint64 // leases that ended before their holders released them
	Renewed        uint64 // leases extended, by themselves or by Extend
	RenewalsFailed uint64 // renewals that the store did not confirm
	GivenBack      uint64 // leases released in the background: grants that nobody used, and releases that had failed
}

// Stats returns the counts of the aliases whose stores are open, sorted by
// name. Those that nobody locks on have zeros.
func (r *Registry) Stats() []AliasStats {
	opened := r.load().opened()
	all := make([]AliasStats, len(opened))
	for i, o := range opened {
		all[i] = o.stats()
	}
	return all
}

// opened returns the open aliases, sorted by name.
func (s *snapshot) opened() []*Opened {
	all := make([]*Opened, 0, len(s.aliases))
	for _, name := range slices.Sorted(maps.Keys(s.aliases)) {
		if o := s.aliases[name].opened.Load(); o != nil {
			all = append(all, o)
		}
	}
	return all
}

// stats counts nothing where a Drainer panics: who looks at the counts must not
// end the program.
func (o *Opened) stats() (s AliasStats) {
	defer func() {
		if recover() != nil {
			s = AliasStats{}
		}
		s.Alias = o.alias.name
	}()
	if d := o.drainer.Load(); d != nil {
		s = (*d).Stats()
	}
	return s
}
