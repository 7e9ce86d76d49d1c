package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// FromEnv are the options that the environment gives.
func FromEnv(t testing.TB) Options {
	t.Helper()
	o := Options{Duration: time.Minute, Seed: rand.Uint64() >> 32, Results: os.Getenv("CONCURRENT_CHAOS_RESULTS")}
	if testing.Short() {
		o.Duration = 8 * time.Second
	}
	var err error
	if v := os.Getenv("CONCURRENT_CHAOS_DURATION"); v != "" {
		if o.Duration, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	if v := os.Getenv("CONCURRENT_CHAOS_SEED"); v != "" {
		if o.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// Test runs the workload on a harness's store while faults come and go, and
// fails with each promise that was broken. It goes in rounds of a minute at
// most, which are a line of the log each; round n has the seed o.Seed+n.
func Test(t *testing.T, h Harness, o Options) *Summary {
	t.Helper()
	place := h.Start(t, o.Seed)
	s := &Summary{
		Driver: h.Name, Seed: o.Seed, Date: time.Now().UTC().Format(time.DateOnly), Duration: o.Duration.String(),
		Versions: versions(place.Version), Counts: Counts{Faults: map[string]int{}}, Violations: []Violation{},
	}
	for left := o.Duration; left > 0; left -= longest {
		r := &round{t: t, harness: &h, place: place, summary: s, seed: o.Seed + uint64(s.Rounds)}
		r.run(min(left, longest))
		s.Rounds++
		t.Log(s)
	}
	if o.Results != "" {
		if err := s.write(o.Results); err != nil {
			t.Error(err)
		}
	}
	return s
}

// A round is one history.
type round struct {
	t       *testing.T
	harness *Harness
	place   *Place
	summary *Summary
	seed    uint64
	bad     bool // its history is to be looked at
	dir     string
	prefix  string
}

func (r *round) run(d time.Duration) {
	r.t.Helper()
	r.prepare()
	resource, err := NewResource(filepath.Join(r.dir, "resource"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resource.Close()
	out, err := NewRecorder(filepath.Join(r.dir, "test.jsonl"), "test")
	if err != nil {
		r.t.Fatal(err)
	}
	f := &fleet{harness: r.harness, place: r.place, dir: r.dir, prefix: r.prefix, seed: r.seed, out: out}
	if err := f.start(); err != nil {
		r.t.Fatal(err)
	}
	lease, _ := r.harness.terms()
	faults := &schedule{
		lease:  lease,
		faults: append(f.afflictions(), r.place.Faults...), out: out, counts: r.summary.Counts.Faults,
		rand: rand.New(rand.NewPCG(r.seed, 0)),
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := faults.run(ctx); err != nil {
		r.bad = true
		r.t.Errorf("%s, seed %d: a fault could not be made: %v", r.harness.Name, r.seed, err)
	}
	for _, err := range f.stop() {
		r.violated(Violation{"every process ends when it is told to, in order", err.Error()})
	}
	r.free(f)
	_ = out.Close()
	taken, stopped := resource.Counts()
	r.summary.Counts.Taken += taken
	r.summary.Counts.Stopped += stopped
	r.check()
}

// prepare makes a folder for the round that the processes may write to.
func (r *round) prepare() {
	r.t.Helper()
	dir, err := os.MkdirTemp("", "chaos") // not t.TempDir: another user can't enter it, and a socket's name is short
	if err != nil {
		r.t.Fatal(err)
	}
	r.dir = dir
	if r.harness.User != 0 {
		if err := os.Chown(dir, int(r.harness.User), -1); err != nil {
			r.t.Fatal(err)
		}
	}
	r.prefix = fmt.Sprintf("chaos-%d:", r.seed)
}

func (r *round) violated(v Violation) {
	r.t.Helper()
	r.t.Errorf("%s, seed %d: %v", r.harness.Name, r.seed, v)
	r.bad = true
	r.summary.Violations = append(r.summary.Violations, v)
}

// free sees that nothing stays held when all are gone: the leases of those that
// were killed end.
func (r *round) free(f *fleet) {
	r.t.Helper()
	if err := f.sweep(); err != nil {
		r.violated(Violation{"a key is free when its holders are gone", err.Error()})
	}
}

// check looks at what was written down. The folder of a history that is broken
// stays.
func (r *round) check() {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.dir, "*.jsonl"))
	if err != nil {
		r.t.Fatal(err)
	}
	var records []Record
	for _, path := range paths {
		more, err := Load(path)
		if err != nil {
			r.t.Fatal(err)
		}
		records = append(records, more...)
	}
	r.summary.Counts.add(records)
	found, undecided, err := Check(records, filepath.Join(r.dir, "history"), search)
	if err != nil {
		r.t.Fatal(err)
	}
	r.summary.Counts.Undecided += undecided
	for _, v := range found {
		r.violated(v)
	}
	if r.bad {
		r.t.Logf("the history is in %s", r.dir)
		return
	}
	if err := os.RemoveAll(r.dir); err != nil {
		r.t.Error(err)
	}
}
