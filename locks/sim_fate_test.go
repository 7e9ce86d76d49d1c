package locks

import (
	"errors"
	"time"
)

// A fate is what goes wrong with a call, besides that its messages are slow or lost.
type fate struct {
	lies    time.Duration // that long it lies in the driver before it leaves
	again   time.Duration // that long after the first a copy is sent; 0: none, or it has arrived
	panics  int           // the driver does
	ignores time.Duration // that long it goes on when its context has ended
	mute    bool          // no answer ever comes
}

// When a driver panics.
const (
	panicsNever     = iota
	panicsBefore    // the request never leaves
	panicsMeanwhile // it is on its way
	panicsLater     // it was carried out
	panicKinds
)

var errDriverPanicked = errors.New("simulated driver: panic")

// fate draws what goes wrong with a call. A driver that repeats requests by itself
// does so only where the first copy can't follow the answer (see driver.Store): so
// the answer is that to the last copy, and what nobody waits for may arrive twice. No
// copy brings back a lease that was released.
func (w *world) fate(c *call) (f fate) {
	often := func(p float64) bool { return p > 0 && w.random.Float64() < p }
	if often(w.climate.lying) {
		f.lies = w.upTo(500 * time.Millisecond)
	}
	if often(w.climate.repeats) && !w.server.ordered && c.what != "wait" {
		f.again = w.between(time.Millisecond, 3*time.Second)
	}
	if often(w.climate.panics) {
		f.panics = 1 + w.random.IntN(panicKinds-1)
	}
	if often(w.climate.hangs) {
		f.ignores = w.upTo(5 * time.Second)
		f.mute = w.chance(2)
	}
	if f.mute { // at last the connection is found to be dead, here and by the server
		w.in(w.untilCalm(), func() {
			c.left = true
			w.server.forget(c)
			c.hear(answer{err: errCutLine})
		})
	}
	return f
}

// untilCalm is how long it is until nothing hangs any more.
func (w *world) untilCalm() time.Duration {
	return max(0, stormTime+healTime-time.Second-w.now())
}

// arriveAgain is the end of the second copy's way.
func (c *call) arriveAgain() {
	c.note("arrives again", nil)
	c.arrive()
}

// ignore lets the caller go on for a while although its context has ended, as a
// driver does that breaks its contract, and returns the answer if it comes then.
func (c *call) ignore() (answer, bool) {
	d := time.Duration(c.ignores.Load())
	if d == 0 {
		return answer{}, false
	}
	p := c.process
	step := make(chan struct{})
	p.world.inbox.put(c.name, func() {
		p.world.in(min(d, p.world.untilCalm()), func() { close(step) })
	})
	select {
	case a := <-c.done:
		return a, true
	case <-step:
	case <-p.world.over.Done():
	}
	return answer{}, false
}

// A parcel is a request on a way on which none overtakes another.
type parcel struct {
	do    func()
	ready bool // it has been under way for long enough
}

// inOrder is carry for a store whose requests are Ordered.
func (p *process) inOrder(do, lost func()) {
	m := &parcel{}
	p.lane = append(p.lane, m)
	arrives := func(do func()) func() {
		return func() {
			m.do, m.ready = do, true
			for len(p.lane) > 0 && p.lane[0].ready {
				first := p.lane[0]
				p.lane = p.lane[1:]
				first.do()
			}
		}
	}
	p.carry(arrives(do), arrives(lost))
}
