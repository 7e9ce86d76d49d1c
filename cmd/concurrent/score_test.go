package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheScoreSeesBrokenPromises(t *testing.T) {
	t.Parallel()
	saw := func(worker int, did deed, token uint64) sighting {
		return sighting{report: report{Worker: worker, Did: did, Token: token}, at: time.Unix(100, 0)}
	}
	for _, c := range []struct {
		name string
		seen []sighting
		want string
	}{
		{"in turn", []sighting{saw(1, got, 1), saw(1, releases, 1), saw(2, got, 2), saw(2, lost, 2), saw(1, got, 3)}, ""},
		{"two at once", []sighting{saw(1, got, 1), saw(2, waits, 0), saw(2, got, 2)}, "worker 2 got the lock while worker 1 held it"},
		{"same token", []sighting{saw(1, got, 1), saw(1, releases, 1), saw(2, got, 1)}, "token 1 after token 1"},
		{"smaller token", []sighting{saw(1, got, 9), saw(1, releases, 9), saw(1, got, 8)}, "token 8 after token 9"},
	} {
		score := newScore()
		for _, s := range c.seen {
			score.take(s)
		}
		if broken := strings.Join(score.broken, "; "); (broken != "") != (c.want != "") || !strings.Contains(broken, c.want) {
			t.Errorf("%s: %q, want %q", c.name, broken, c.want)
		}
	}
	score := newScore()
	score.take(saw(1, got, 1))
	score.strike(1, time.Unix(98, 0))
	if free := score.take(saw(2, got, 2)); free != 2*time.Second || len(score.broken) > 0 {
		t.Errorf("after a frozen holder: free after %v, broken %q", free, score.broken)
	}
	score.back(1)
	score.take(saw(1, lost, 1))
	score.take(saw(1, got, 3))
	if len(score.broken) != 1 {
		t.Errorf("worker 2 still held the lock: %q", score.broken)
	}
}
