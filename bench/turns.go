package bench

import (
	"slices"
	"testing"
	"time"
)

// A contender does the same work as the others, its own way.
type contender struct {
	name string
	run  func(n int) error // does the work n times
}

// rounds is the least number of turns that each contender gets.
const rounds = 11

// turns has the contenders do the work n times each, round after round, and
// reports the median time of each, and of all but the first how many times the
// first one's it is. One iteration of b is one round.
func turns(b *testing.B, n int, contenders ...contender) {
	b.Helper()
	took := make([][]float64, len(contenders))
	round := func() {
		for i, c := range contenders {
			start := time.Now()
			if err := c.run(n); err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			took[i] = append(took[i], float64(time.Since(start))/float64(n))
		}
	}
	round() // to warm up
	for i := range took {
		took[i] = took[i][:0]
	}
	for b.Loop() {
		round()
	}
	for len(took[0]) < rounds {
		round()
	}
	b.ReportMetric(0, "ns/op") // a round's length says nothing
	reference := median(took[0])
	for i, c := range contenders {
		b.ReportMetric(median(took[i]), "ns/"+c.name)
		if i > 0 {
			b.ReportMetric(median(took[i])/reference, c.name+"/"+contenders[0].name)
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
