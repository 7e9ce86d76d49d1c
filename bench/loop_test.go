package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An operation does one thing and tells how long that took which is measured.
type operation func(ctx context.Context) (time.Duration, error)

// patience is how long after a round's end those are waited for who wait still.
// Who has not had the lock by then is stranded: nobody woke him.
const patience = 3 * time.Second

// loop has goroutines do operations one after another for a time: a closed loop,
// in which who waits asks for nothing else meanwhile. of gives each its own.
func loop(t testing.TB, goroutines int, length time.Duration, of func(g int) operation) *round {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), length+patience)
	defer cancel()
	var stranded atomic.Int64
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
				if err != nil && ctx.Err() != nil {
					stranded.Add(1)
					return
				}
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
	r := sum(t, before, took)
	r.metrics["stranded"] = float64(stranded.Load())
	if stranded.Load() > 0 { // which the wait for them is no part of
		r.metrics["ops/s"] = float64(r.took.TotalCount()) / length.Seconds()
	}
	return r
}

// sum adds up what goroutines did, and how unevenly.
func sum(t testing.TB, before reading, took []*hdrhistogram.Histogram) *round {
	t.Helper()
	counts, n := make([]int64, len(took)), 0
	for i, h := range took {
		counts[i] = h.TotalCount()
		n += int(counts[i])
	}
	r := &round{ops: n, metrics: before.since(t, n), took: newHistogram()}
	for _, h := range took { // afterwards: it takes long, and is no part of what they did
		r.took.Merge(h)
	}
	if len(took) > 1 {
		r.metrics["most/least"] = float64(slices.Max(counts)) / float64(max(1, slices.Min(counts)))
	}
	return r
}
