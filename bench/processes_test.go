package bench

import (
	"cmp"
	"slices"
	"time"
)

// processes are several that all want one key, each with one goroutine that takes
// it and gives it back. What is timed is from one's beginning to give it back to
// another's having it.
var processes = workload{
	name: "processes",
	variants: []variant{
		{name: "1 process", n: 1},
		{name: "2 processes", n: 2},
		{name: "4 processes", n: 4},
		{name: "8 processes", n: 8},
		{name: "16 processes", n: 16},
		{name: "50 processes", n: 50},
	},
	fits: func(v *variant, s *store, c *contender) bool {
		return !c.inside && !c.floor && c.name != redislockBehindMutex.name && c.name != advisoryOnPool.name &&
			(v.n <= 16 || s.far())
	},
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := gather(e, e.key("processes"), roleTakesTurns, e.variant.n)
		return func(length time.Duration) *round {
			began := machineTime(e.t)
			return handOvers(c.during(length), length, machineTime(e.t)-began)
		}, c.kill
	},
}

// handOvers makes a round of what processes did.
func handOvers(all [][]turn, length, used time.Duration) *round {
	type one struct {
		turn
		process int
	}
	var line []one
	counts := make([]int, len(all))
	for i, turns := range all {
		counts[i] = len(turns)
		for _, t := range turns {
			line = append(line, one{t, i})
		}
	}
	slices.SortFunc(line, func(a, b one) int { return cmp.Compare(a.Got, b.Got) })
	took := newHistogram()
	for i := 1; i < len(line); i++ {
		if line[i].process != line[i-1].process {
			record(took, time.Duration(line[i].Got-line[i-1].Gave))
		}
	}
	return &round{took: took, metrics: map[string]float64{
		"ops/s":             float64(len(line)) / length.Seconds(),
		"most/least":        float64(slices.Max(counts)) / float64(max(1, slices.Min(counts))),
		"machine-cpu-µs/op": float64(used) / 1e3 / float64(max(1, len(line))),
	}}
}
