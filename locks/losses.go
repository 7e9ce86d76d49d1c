package locks

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A loss may be told before its grant has come back to Acquire: it is looked
// for again this often, each time after a pause twice as long as the one before.
const (
	lossTries = 6
	lossPause = 20 * time.Millisecond
)

// add is told by the store of a lease that ended before its time.
func (ls *losses) add(d driver.Loss) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.told == nil {
		ls.told = make(map[string]loss)
	}
	ls.told[d.Owner] = loss{Loss: d, next: time.Now()}
	if ls.running {
		ls.signal()
	} else {
		ls.running = ls.client.tasks.start(ls.run)
	}
}

// signal has run look at what was told since. ls.mu is held.
func (ls *losses) signal() {
	select {
	case ls.news <- struct{}{}:
	default:
	}
}

func (ls *losses) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ls.news:
		case <-ls.client.life.Done():
			return
		}
		told := ls.due()
		ls.end(told)
		next, left := ls.again(told)
		if !left {
			return
		}
		timer.Reset(next)
	}
}

// due takes out the losses that are to be looked for now: those that come late wait for
// no others.
func (ls *losses) due() map[string]loss {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	due := make(map[string]loss)
	for owner, d := range ls.told {
		if !d.next.After(now) {
			due[owner] = d
			delete(ls.told, owner)
		}
	}
	return due
}

// end loses the leases in told and takes them out of it.
func (ls *losses) end(told map[string]loss) {
	if len(told) == 0 {
		return
	}
	for _, l := range ls.client.wheel.All() {
		if d, ok := told[l.owner]; ok && d.Key == l.key {
			cause := d.Err
			if cause == nil {
				cause = ErrNotHeld
			}
			l.lose(l.fail("hold", withCause(ErrLockLost, cause)))
			delete(told, l.owner)
		}
	}
}

// again puts back what was not found, a few times, and returns how long it is until the
// next is to be looked for. If there is none, nothing runs any more.
func (ls *losses) again(told map[string]loss) (next time.Duration, left bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	for owner, d := range told {
		if _, newer := ls.told[owner]; !newer && d.tries < lossTries {
			d.next = now.Add(lossPause << d.tries)
			d.tries++
			ls.told[owner] = d
		}
	}
	if len(ls.told) == 0 {
		ls.running = false
		return 0, false
	}
	next = lossPause << lossTries
	for _, d := range ls.told {
		next = min(next, d.next.Sub(now))
	}
	return next, true
}
