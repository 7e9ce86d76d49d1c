package redis

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/concurrent-go/concurrent/driver"
)

// listeners are whom a Store tells of its losses. The zero value has none.
type listeners struct {
	mu  sync.Mutex
	all []*listener // replaced as a whole, so that tell needs no lock meanwhile
}

type listener struct {
	f       func(driver.Loss)
	stopped atomic.Bool
}

// NotifyLost has f called for every lease of this store that is broken. Who
// breaks one sends a message to its holder's store. A lease that goes with the
// server's data is noticed when it is extended.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) {
	l := &listener{f: f}
	s.losses.add(l)
	return func() { s.losses.remove(l) }
}

func (ls *listeners) add(l *listener) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.all = append(slices.Clip(ls.all), l)
}

func (ls *listeners) remove(l *listener) {
	l.stopped.Store(true)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.all = slices.DeleteFunc(slices.Clone(ls.all), func(other *listener) bool { return other == l })
}

// tell calls who listens, with no lock held: f may stop itself.
func (ls *listeners) tell(loss driver.Loss) {
	ls.mu.Lock()
	all := ls.all
	ls.mu.Unlock()
	for _, l := range all {
		if !l.stopped.Load() {
			l.f(loss)
		}
	}
}
