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
	ls.told[d.Owner] = loss{Loss: d}
	if !ls.running {
		ls.running = ls.client.tasks.start(ls.run)
	}
}

func (ls *losses) run() {
	pause := lossPause
	for {
		ls.mu.Lock()
		told := ls.told
		ls.told = nil
		if len(told) == 0 {
			ls.running = false
			ls.mu.Unlock()
			return
		}
		ls.mu.Unlock()
		ls.end(told)
		if len(told) == 0 {
			pause = lossPause
			continue
		}
		select {
		case <-time.After(pause):
		case <-ls.client.life.Done():
			return
		}
		pause *= 2
		ls.again(told)
	}
}

// end loses the leases in told and takes them out of it.
func (ls *losses) end(told map[string]loss) {
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

// again puts back what was not found, a few times.
func (ls *losses) again(told map[string]loss) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.told == nil {
		ls.told = make(map[string]loss)
	}
	for owner, d := range told {
		if _, newer := ls.told[owner]; !newer && d.tries < lossTries {
			d.tries++
			ls.told[owner] = d
		}
	}
}
