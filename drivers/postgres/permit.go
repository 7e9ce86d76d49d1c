package postgres

import (
	"math/rand/v2"
	"slices"

	"github.com/concurrent-go/concurrent/driver"
)

// A semaphore's number is what each request says it is: see permit.sql. What is known
// of whether a grip's session has the mark that says that numbers differ.
const (
	even     = 0 // it has not
	uneven   = 1
	wasEven  = 2 // it has, and need not any more
	gripCost = 2 // places of the lock table that readers of a session have together
	// permits have the mode's number, the lock, and the two numbers of sizes, though
	// not always the last.
	permitsCost = 4
)

// costOf is how many places a grip has.
func costOf(mode driver.Mode) int {
	if mode > 0 {
		return permitsCost
	}
	return gripCost
}

// permit makes o ask for one of n, on the session of a class.
func (e *entry) permit(o *op, a *ask, class int) {
	n, g := int32(a.request.Mode.Slots()), &e.grips[class]
	o.kind, o.mode, o.size = permit, e.at.permits, n
	o.from = rand.Int32N(n)
	o.skip = int4s(append(e.permits(class), a.avoid...))
	o.keptToo = a.keptToo
	if !o.have {
		return
	}
	o.differs = g.size != n || slices.ContainsFunc(e.leases, func(l *lease) bool {
		return l.class == class && l.mode != a.request.Mode
	})
	if g.uneven == wasEven {
		g.uneven = uneven // it stays until there is an answer
	}
	o.uneven = g.uneven
}

// take notes what a session has of a key since o.
func (g *grip) take(o *op) {
	if !o.have {
		g.on, g.cost = o.by, gripCost
		g.count++
		if o.kind == permit {
			g.cost, g.size = permitsCost, o.size
		}
	}
	g.uneven = o.uneven
}

// letGo has o give back what a grip has, all of it with the last.
func (g *grip) letGo(o *op) {
	o.last = g.count == 0
	if o.uneven = even; g.uneven == wasEven || o.last {
		o.uneven, g.uneven = g.uneven, even
	}
	if o.last {
		o.size = g.size
		*g = grip{}
	}
}

// keptBeside returns why a permit that the server granted can't be had for now: some
// are kept by nobody, in places.
func (a *ask) keptBeside(o *op, places []int32) error {
	n := int32(len(places))
	counts := n > 0 && (o.uneven != even || slices.Max(places) >= o.size)
	if !slices.Contains(places, o.code) && (!counts || o.keptToo == n) {
		return nil
	}
	a.avoid = places
	if counts {
		a.keptToo = n
	}
	return errAgain
}
