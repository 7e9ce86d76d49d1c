// Package result is what the benchmarks measured: files of it, and what is made
// of them.
package result

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// A Run is one run of the suite.
type Run struct {
	Command  string            `json:"command"`
	Date     string            `json:"date"`
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Results  []Result          `json:"results"`
}

// A Result is what one contender did in one variant of a workload.
type Result struct {
	Workload  string `json:"workload"`
	Variant   string `json:"variant"`
	Store     string `json:"store"`
	Contender string `json:"contender"`
	// Rounds have the metrics of each round, by their units.
	Rounds []map[string]float64 `json:"rounds"`
	// Latency has what the operations of all rounds took, in microseconds, by
	// percentile; 100 is the longest. It is empty where no operation was timed.
	Latency map[string]float64 `json:"latency_us,omitempty"`
}

// Load reads a file.
func Load(path string) (*Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Run)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Save writes a file.
func (r *Run) Save(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}

// Into writes r to a file. If it is a part, what else the file has from the same
// machine stays there.
func (r *Run) Into(path string, part bool) error {
	if old, err := Load(path); part && err == nil && old.Machine == r.Machine {
		for _, one := range old.Results {
			if r.Find(one.Workload, one.Variant, one.Store, one.Contender) == nil {
				r.Results = append(r.Results, one)
			}
		}
		slices.SortStableFunc(r.Results, func(a, b Result) int { return place(old, &a) - place(old, &b) })
	}
	return r.Save(path)
}

// place is where a run has a result, the end if it has not.
func place(run *Run, r *Result) int {
	for i := range run.Results {
		if f := &run.Results[i]; f.Workload == r.Workload && f.Variant == r.Variant && f.Store == r.Store && f.Contender == r.Contender {
			return i
		}
	}
	return len(run.Results)
}

// Find returns a result, nil if there is none.
func (r *Run) Find(workload, variant, store, contender string) *Result {
	i := place(r, &Result{Workload: workload, Variant: variant, Store: store, Contender: contender})
	if i == len(r.Results) {
		return nil
	}
	return &r.Results[i]
}

// values are those of one metric, sorted.
func (r *Result) values(metric string) []float64 {
	var all []float64
	for _, round := range r.Rounds {
		if v, ok := round[metric]; ok {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return all
}

// Sum returns the sum of a metric's values.
func (r *Result) Sum(metric string) float64 {
	sum := 0.0
	for _, v := range r.values(metric) {
		sum += v
	}
	return sum
}

// Median returns a metric's median, and whether any round has it.
func (r *Result) Median(metric string) (float64, bool) {
	all := r.values(metric)
	if len(all) == 0 {
		return 0, false
	}
	return (all[len(all)/2] + all[(len(all)-1)/2]) / 2, true
}

// Interval returns an interval that has the median in it with a probability of
// at least 95 %, whatever the distribution (order statistics: Conover, Practical
// Nonparametric Statistics, 3rd ed., 3.2). With fewer than six rounds there is
// none, and it is from the least to the largest.
func (r *Result) Interval(metric string) (low, high float64) {
	all := r.values(metric)
	if len(all) == 0 {
		return 0, 0
	}
	i := outside(len(all))
	return all[i], all[len(all)-1-i]
}

// outside is how many of n values may be left out at either end.
func outside(n int) int {
	outer, term := 0.0, 1.0 // of the binomial distribution with p = 1/2
	for range n {
		term /= 2
	}
	i := 0
	for ; i < n/2; i++ {
		if outer += term; outer > 0.025 {
			break
		}
		term = term * float64(n-i) / float64(i+1)
	}
	return max(0, i-1)
}
