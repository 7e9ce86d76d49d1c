package concurrent

import (
	"maps"
	"slices"
)

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
