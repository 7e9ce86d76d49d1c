//go:build unix

package file

import (
	"slices"
	"testing"
	"time"
)

// How long after a release in this process a waiter of another process has the
// key. The promise is 20 ms.
func BenchmarkWake(b *testing.B) {
	dir := dirFor(b)
	s, p := openTest(b, dir), startAgent(b, dir)
	var took []time.Duration
	for b.Loop() {
		took = append(took, wake(b, s, p))
	}
	slices.Sort(took)
	us := func(share float64) float64 { return float64(took[int(share*float64(len(took)-1))].Microseconds()) }
	b.ReportMetric(us(0.5), "p50-µs")
	b.ReportMetric(us(0.99), "p99-µs")
	b.ReportMetric(us(1), "max-µs")
}
