package bench

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
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
			length = max(length, time.Duration(e.variant.n)*turnsTake)
			all, machine := c.during(func() { <-time.After(length) })
			return handOvers(all, length, machine)
		}, c.kill
	},
}

// turnsTake is how long a round is at least for each process: of few turns, one more
// or less would look like a large share.
const turnsTake = 20 * time.Millisecond

// A place in the line is a turn, and whose it was.
type place struct {
	turn
	process int
}

// handOvers makes a round of what processes did. What the machine used and they
// did not is the server's, as far as nothing else runs.
func handOvers(all []stint, length, machine time.Duration) *round {
	var line []place
	var sum usage
	counts := make([]int, len(all))
	for i, s := range all {
		counts[i] = len(s.Turns)
		sum = usage{sum.CPU + s.Used.CPU, sum.Writes + s.Used.Writes}
		for _, t := range s.Turns {
			line = append(line, place{t, i})
		}
	}
	ops := float64(max(1, len(line)))
	return &round{ops: len(line), took: between(line), metrics: map[string]float64{
		"ops/s":            float64(len(line)) / length.Seconds(),
		"most/least":       float64(slices.Max(counts)) / float64(max(1, slices.Min(counts))),
		"client-cpu-µs/op": micros(sum.CPU) / ops,
		"server-cpu-µs/op": micros(max(0, machine-sum.CPU)) / ops,
		"sends/op":         float64(sum.Writes) / ops,
	}}
}

// between is how long it took from one process to another.
func between(line []place) *hdrhistogram.Histogram {
	slices.SortFunc(line, func(a, b place) int { return cmp.Compare(a.Got, b.Got) })
	took := newHistogram()
	for i := 1; i < len(line); i++ {
		if line[i].process != line[i-1].process {
			record(took, time.Duration(line[i].Got-line[i-1].Gave))
		}
	}
	return took
}

// A section's costs are those of all processes together, and the server's is
// what is left of the machine's.
func TestProcessesCostsAreTheirSum(t *testing.T) {
	turns := func(at ...int64) []turn {
		var all []turn
		for _, got := range at {
			all = append(all, turn{Asked: 0, Got: got, Gave: got + 500})
		}
		return all
	}
	r := handOvers([]stint{
		{Turns: turns(1_000, 3_000, 4_000), Used: usage{CPU: 30 * time.Microsecond, Writes: 7}},
		{Turns: turns(2_000), Used: usage{CPU: 10 * time.Microsecond, Writes: 1}},
	}, time.Second, 100*time.Microsecond)
	want := map[string]float64{
		"ops/s": 4, "most/least": 3, "client-cpu-µs/op": 10, "server-cpu-µs/op": 15, "sends/op": 2,
	}
	if !maps.Equal(r.metrics, want) || r.ops != 4 || r.took.TotalCount() != 2 {
		t.Errorf("%d sections, %d hand-overs, %v; want 4, 2, %v", r.ops, r.took.TotalCount(), r.metrics, want)
	}
	if r := handOvers([]stint{{Used: usage{CPU: time.Second}}}, time.Second, 0); r.metrics["server-cpu-µs/op"] != 0 {
		t.Errorf("a server used %v µs", r.metrics["server-cpu-µs/op"])
	}
}
