package bench

import (
	"slices"
	"testing"
	"time"
)

// beside is hotKey with a second process that wants the key, too, with one goroutine.
// What is timed is how long that one waits for its turns.
var beside = workload{
	name:     "hot key, two processes",
	variants: []variant{{name: "16 goroutines", n: 16}},
	fits: func(_ *variant, s *store, c *contender) bool {
		return s.far() && !c.inside && c.waitsForItself()
	},
	start: func(e *entry) (func(time.Duration) *round, func()) {
		c := e.open(usual)
		key := e.key("beside")
		do := c.section(key)
		other := gather(e, key, roleTakesTurns, 1)
		return func(length time.Duration) *round {
			var r *round
			all, _ := other.during(func() {
				r = loop(e.t, e.variant.n, length, func(int) operation { return do })
			})
			r.took = newHistogram()
			for _, wait := range all[0].waits() {
				record(r.took, wait)
			}
			r.metrics["turns/s"] = float64(len(all[0].Turns)) / length.Seconds()
			return r
		}, func() { other.kill(); c.close() }
	},
}

// waits is how long a process waited for each turn, and for the one that it had not had
// when it was stopped: so long at least.
func (s *stint) waits() []time.Duration {
	var all []time.Duration
	free := s.Began
	for _, t := range s.Turns {
		all = append(all, time.Duration(t.Got-t.Asked))
		free = t.Gave
	}
	return append(all, time.Duration(s.Ended-free))
}

// A wait that had not ended counts as long as it was, so that who is never let in is
// not taken for one who never waited.
func TestWaitsHaveTheOneThatDidNotEnd(t *testing.T) {
	s := stint{Began: 100, Ended: 900, Turns: []turn{{Asked: 110, Got: 150, Gave: 160}, {Asked: 170, Got: 200, Gave: 300}}}
	if got, want := s.waits(), []time.Duration{40, 30, 600}; !slices.Equal(got, want) {
		t.Errorf("waits of %v, want %v", got, want)
	}
	if got, want := (&stint{Began: 100, Ended: 900}).waits(), []time.Duration{800}; !slices.Equal(got, want) {
		t.Errorf("waits of one who was never let in: %v, want %v", got, want)
	}
}
