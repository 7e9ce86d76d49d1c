package locks

import (
	"testing"

	"github.com/concurrent-go/concurrent/driver"
)

// A line's timer that goes off as the line ends leaves the next line alone.
func TestLateKickLeavesTheNextLineAlone(t *testing.T) {
	t.Parallel()
	ls := new(lines)
	ls.init(nil)
	queued := func() (*line, *waiting) {
		w := &waiting{binding: &binding{set: new(settings)}, turn: make(chan *lease, 1)}
		ln, ask, err := ls.join("k", driver.Exclusive, w)
		if err != nil || !ask {
			t.Fatalf("the first in line: %t, %v", ask, err)
		}
		return ln, w
	}
	old, w := queued()
	old.quit(w)
	next, _ := queued()
	old.kicked()
	if ln, _, err := ls.join("k", driver.Exclusive, &waiting{turn: make(chan *lease, 1)}); err != nil || ln != next {
		t.Errorf("who comes next stands in line %p of its own, not %p, %v", ln, next, err)
	}
}
