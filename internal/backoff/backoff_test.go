package backoff_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/internal/backoff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPausesGrowToTheMost(t *testing.T) {
	b := backoff.Backoff{First: 10 * time.Millisecond, Most: time.Second}
	full := 10 * time.Millisecond
	for i := range 100 {
		if d := b.Next(); d > full || d < full*3/4 {
			t.Fatalf("pause %d is %v, want %v to %v", i, d, full*3/4, full)
		}
		full = min(2*full, time.Second)
	}
	b.Reset()
	if d := b.Next(); d > 10*time.Millisecond {
		t.Errorf("after Reset: %v", d)
	}
}
