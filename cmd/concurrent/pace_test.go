package main

import (
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

func TestAProgramHasGraceAndStillEndsBeforeItsLease(t *testing.T) {
	t.Parallel()
	for _, lease := range []time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second, time.Hour, locks.Forever} {
		p := paceOf(lease)
		if p.grace <= 0 || p.margin <= 0 || p.notice() > lease/3 {
			t.Errorf("lease %v: %+v; renewal begins at a third of the lease and needs a third", lease, p)
		}
		for _, remaining := range []time.Duration{p.notice(), lease, p.margin + 1, p.margin, 0, -time.Second} {
			if remaining == locks.Forever {
				continue
			}
			left := p.until(remaining)
			if left > p.grace || left > 0 && left+p.margin > remaining {
				t.Errorf("lease %v with %v left: killed %v later", lease, remaining, left)
			}
		}
		if p.until(locks.Forever) != p.grace {
			t.Errorf("lease without end: killed %v later, want %v", p.until(locks.Forever), p.grace)
		}
	}
	if got := paceOf(30 * time.Second); got != (pace{5 * time.Second, 500 * time.Millisecond}) {
		t.Errorf("docs/command.md says otherwise: %+v", got)
	}
}
