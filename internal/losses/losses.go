// Package losses knows who is to be told when a store loses a lease.
package losses

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/concurrent-go/concurrent/driver"
)

// Listeners are those of one store. The zero value has none. It is safe for
// concurrent use.
type Listeners struct {
	mu  sync.Mutex
	all []*listener // replaced, never changed
}

type listener struct {
	f       func(driver.Loss)
	stopped atomic.Bool
}

// Add has f told of losses until stop is called. No call of f begins once stop
// has returned, though one that had begun may still run.
func (ls *Listeners) Add(f func(driver.Loss)) (stop func()) {
	l := &listener{f: f}
	ls.mu.Lock()
	ls.all = append(slices.Clip(ls.all), l)
	ls.mu.Unlock()
	return func() { ls.remove(l) }
}

func (ls *Listeners) remove(l *listener) {
	l.stopped.Store(true)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.all = slices.DeleteFunc(slices.Clone(ls.all), func(other *listener) bool { return other == l })
}

// Tell calls who listens, with no lock held: a listener may stop itself.
func (ls *Listeners) Tell(loss driver.Loss) {
	ls.mu.Lock()
	all := ls.all
	ls.mu.Unlock()
	for _, l := range all {
		if !l.stopped.Load() {
			l.f(loss)
		}
	}
}

// Len returns how many listen.
func (ls *Listeners) Len() int {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return len(ls.all)
}
