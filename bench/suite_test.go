package bench

import (
	"flag"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/concurrent-go/concurrent/bench/result"
)

var (
	how  = flag.String("how", "brief", "brief: every workload once, for a moment; quick: some minutes; full")
	only = flag.String("only", "", "workloads, variants, stores and contenders that match this expression")
	into = flag.String("into", "", "the file that gets the results")
	at   = flag.String("at", "", "measure on this server alone: a URL of redis or postgres")
)

// settings are how long things take.
type settings struct {
	brief  bool
	rounds int
	length time.Duration // of a round
	held   time.Duration // for which locks are held
}

var manners = map[string]settings{
	"brief": {brief: true, rounds: 1, length: 50 * time.Millisecond, held: 100 * time.Millisecond},
	"quick": {rounds: 10, length: 200 * time.Millisecond, held: usual},
	"full":  {rounds: 12, length: 300 * time.Millisecond, held: 2 * time.Minute},
}

// TestSuite runs every workload on every store with each of its contenders, who
// take turns round by round, so that a busy machine slows all of them alike.
// Before that each has a round that does not count, and a second one where it
// costs something to count commands. It prints a line for each
// round as benchmarks do, for benchstat.
func TestSuite(t *testing.T) {
	s, ok := manners[*how]
	if !ok {
		t.Fatalf("-how=%s is not brief, quick or full", *how)
	}
	chosen, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	run, there := describe(*how), storeAt(t)
	for _, store := range stores {
		if there != "" && store.name != there {
			continue
		}
		t.Run(store.name, func(t *testing.T) {
			address := &addresses{store: &store}
			address.address = address.start(t)
			address.commands = address.counter(t)
			if v := version(t, store.name, address.address); v != "" {
				run.Versions[store.name] = v
			}
			for _, w := range workloads {
				for i, v := range w.variants {
					if s.brief && i > 1 {
						break // a workload that works for few works for many
					}
					run.Results = append(run.Results, measure(t, &s, &w, &v, &store, address, chosen)...)
				}
			}
		})
	}
	if *into != "" {
		if err := run.Into(*into, *only != ""); err != nil {
			t.Fatal(err)
		}
	}
}

var schemes = map[string]string{"redis": "redis", "rediss": "redis", "postgres": "postgres", "postgresql": "postgres"}

// storeAt is the name of the store that -at is one of, empty if there is no -at.
func storeAt(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(*at)
	if err != nil || *at != "" && schemes[u.Scheme] == "" {
		t.Fatal("-at must be a URL of redis or postgres")
	}
	return schemes[u.Scheme]
}

// measure has the contenders of one variant take turns.
func measure(t *testing.T, s *settings, w *workload, v *variant, store *store, where *addresses, chosen *regexp.Regexp) []result.Result {
	var all []*competitor
	for i := range store.contenders {
		c := &store.contenders[i]
		name := strings.Join([]string{w.name, v.name, store.name, c.name}, "/")
		if w.fits(v, store, c) && chosen.MatchString(name) && (v.latency == 0 || *at == "") {
			e := &entry{t: t, variant: v, store: store, contender: c, address: where.of(t, c.name, v.latency), commands: where.commands, settings: s}
			all = append(all, compete(w, e))
		}
	}
	rounds := s.rounds
	if w.once {
		rounds = 1
	}
	for n := range rounds {
		for i := range all { // another is the first each time
			all[(i+n)%len(all)].play(s.length)
		}
	}
	var found []result.Result
	for _, c := range all {
		c.stop()
		found = append(found, c.result(w))
	}
	return found
}

// A competitor is an entry that plays.
type competitor struct {
	*entry
	round func(time.Duration) *round
	stop  func()

	rounds []map[string]float64
	took   *hdrhistogram.Histogram
	open   map[string]float64
	cost   map[string]float64 // what was counted before
}

// compete starts an entry, and has it warm up.
func compete(w *workload, e *entry) *competitor {
	before := read(e.t).since(e.t, 1)
	c := &competitor{entry: e, took: newHistogram()}
	c.round, c.stop = w.start(e)
	if !w.once {
		c.round(e.settings.length)
		c.count()
	}
	after := read(e.t).since(e.t, 1)
	c.open = map[string]float64{}
	for _, unit := range []string{"connections", "goroutines"} {
		c.open[unit] = max(0, after[unit]-before[unit])
	}
	return c
}

// count has a round whose commands are counted, where those that are measured
// must not have them counted.
func (c *competitor) count() {
	c.t.Helper()
	if !c.commands.costly() {
		return
	}
	tell := func(on bool) {
		if err := c.commands.count(c.t.Context(), on); err != nil {
			c.t.Fatal(err)
		}
	}
	tell(true)
	r := c.commands.counted(c.entry, func() *round { return c.round(c.settings.length) })
	tell(false)
	if per, ok := r.metrics["commands/op"]; ok {
		c.cost = map[string]float64{"commands/op": per}
	}
}

func (c *competitor) play(length time.Duration) {
	play := func() *round { return c.round(length) }
	var r *round
	if c.commands.costly() {
		r = play()
		maps.Copy(r.metrics, c.cost)
	} else {
		r = c.commands.counted(c.entry, play)
	}
	for unit, value := range c.open {
		if _, ok := r.metrics[unit]; ok {
			r.metrics[unit] = value // its own, not also the others'
		}
	}
	c.rounds = append(c.rounds, r.metrics)
	if r.took != nil {
		c.took.Merge(r.took)
	}
}

// result prints and returns what came of it.
func (c *competitor) result(w *workload) result.Result {
	r := result.Result{
		Workload: w.name, Variant: c.variant.name, Store: c.store.name, Contender: c.contender.name,
		Rounds: c.rounds, Latency: map[string]float64{},
	}
	if c.took.TotalCount() > 0 {
		for _, p := range []float64{50, 99, 99.9, 100} {
			r.Latency[fmt.Sprint(p)] = float64(c.took.ValueAtQuantile(p)) / 1e3
		}
	}
	name := strings.ReplaceAll(fmt.Sprintf("Benchmark/%s/%s/store=%s/by=%s", w.name, c.variant.name, c.store.name, c.contender.name), " ", "_")
	for _, round := range c.rounds {
		line := fmt.Sprintf("%s\t1", name)
		for _, unit := range slices.Sorted(maps.Keys(round)) {
			line += fmt.Sprintf("\t%.4g %s", round[unit], unit)
		}
		fmt.Println(line)
	}
	return r
}
