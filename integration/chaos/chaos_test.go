package chaos

import "testing"

// TestChaos is every driver under everything that can be done to it here. The
// environment says for how long (CONCURRENT_CHAOS_DURATION), with which seed
// (CONCURRENT_CHAOS_SEED), and which folder gets the summaries
// (CONCURRENT_CHAOS_RESULTS). A seed gives the same faults and the same choices
// again; when they meet is the machine's.
func TestChaos(t *testing.T) {
	for _, h := range []Harness{memory, file, redis, durable, watched, postgres, promoted} {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			Test(t, h, FromEnv(t))
		})
	}
}
