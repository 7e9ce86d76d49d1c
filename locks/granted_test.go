package locks

import (
	"testing"

	"github.com/concurrent-go/concurrent/driver"
)

// A lease may be lost while Acquire is about to return it, after a freeze say.
// Its line forgets it.
func TestALeaseLostAtOnceHoldsNoLine(t *testing.T) {
	t.Parallel()
	ls := new(lines)
	ls.init(nil)
	w := &waiting{turn: make(chan *lease, 1)}
	ln, _, err := ls.join("k", driver.Exclusive, w)
	if err != nil {
		t.Fatal(err)
	}
	l := &lease{line: ln}
	if !l.finish(errReleased) {
		t.Fatal("a new lease is over")
	}
	ln.leave(l)
	ln.granted(w, l)
	if next, ask, err := ls.join("k", driver.Exclusive, &waiting{turn: make(chan *lease, 1)}); err != nil || !ask || next == ln {
		t.Errorf("who comes next stands in the old line: %t; is to ask: %t; %v", next == ln, ask, err)
	}
}
