package bench

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An operation does one thing and tells how long that took which is measured.
type operation func(ctx context.Context) (time.Duration, error)

// loop has goroutines do operations one after another for a time: a closed loop,
// in which who waits asks for nothing else meanwhile. of gives each its own.
func loop(t testing.TB, goroutines int, length time.Duration, of func(g int) operation) *round {
	t.Helper()
	ctx := context.Background()
	took := make([]*hdrhistogram.Histogram, goroutines)
	errs := make([]error, goroutines)
	var all sync.WaitGroup
	start := make(chan struct{})
	for g := range goroutines {
		do, h := of(g), newHistogram()
		took[g] = h
		all.Go(func() {
			<-start
			for end := time.Now().Add(length); time.Now().Before(end); {
				d, err := do(ctx)
				if err != nil {
					errs[g] = err
					return
				}
				record(h, d)
			}
		})
	}
	before := read(t)
	close(start)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return sum(t, before, took)
}

// sum adds up what goroutines did, and how unevenly.
func sum(t testing.TB, before reading, took []*hdrhistogram.Histogram) *round {
	t.Helper()
	total, counts := newHistogram(), make([]int64, len(took))
	for i, h := range took {
		counts[i] = h.TotalCount()
		total.Merge(h)
	}
	r := &round{metrics: before.since(t, int(total.TotalCount())), took: total}
	if len(took) > 1 {
		r.metrics["most/least"] = float64(slices.Max(counts)) / float64(max(1, slices.Min(counts)))
	}
	return r
}
