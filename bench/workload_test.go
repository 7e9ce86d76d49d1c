package bench

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A workload is something that locks are used for.
type workload struct {
	name     string
	variants []variant
	// fits says which contenders can do it, of which store.
	fits func(v *variant, s *store, c *contender) bool
	// start makes ready what rounds need, for which stop is called at the end.
	start func(e *entry) (round func(length time.Duration) *round, stop func())
	// once: a round is long, so that there is one.
	once bool
}

// A variant is a workload's size.
type variant struct {
	name string
	n    int
	// latency is what the network adds to each request.
	latency time.Duration
}

// An entry is a contender in one variant of a workload.
type entry struct {
	t         testing.TB
	variant   *variant
	store     *store
	contender *contender
	address   string
	commands  *counter // nil: nobody counts them
	settings  *settings
}

// key is a key that no other contender uses: what one leaves behind must not
// stop the next.
func (e *entry) key(name string) string { return e.contender.name + "-" + name }

// open connects the contender.
func (e *entry) open(lease time.Duration) *client {
	e.t.Helper()
	if e.settings.brief {
		lease = min(lease, 5*time.Second) // a peer that loses its own reply waits that long
	}
	c, err := e.contender.open(e.address, lease)
	if err != nil {
		e.t.Fatalf("%s: %v", e.contender.name, err)
	}
	return c
}

// A round is what came of one.
type round struct {
	ops     int // 0: its operations are not counted
	metrics map[string]float64
	took    *hdrhistogram.Histogram // nanoseconds
}

// usual is the lease of locks that are not about leases.
const usual = 30 * time.Second

// newHistogram has three digits of what takes up to a minute.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute), 3)
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(int64(d), 1), int64(time.Minute))) // which is in its range
}

var workloads = []workload{pair, hotKey, beside, processes, manyWaiters, skewed, held, recovery}
