package file

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/concurrent-go/concurrent/driver"
)

type listener struct {
	f       func(driver.Loss)
	stopped atomic.Bool
}

// NotifyLost has f told of leases that were broken: at once by whoever breaks
// them, in any process. That files were removed from the directory is seen when
// the lease is extended or released.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) {
	l := &listener{f: f}
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.listeners = slices.DeleteFunc(s.listeners, func(x *listener) bool { return x == l })
		s.mu.Unlock()
		l.stopped.Store(true)
	}
}

// tell calls f, without a lock, so that f may call stop.
func (l *listener) tell(loss driver.Loss) {
	if !l.stopped.Load() {
		l.f(loss)
	}
}

var errBroken = errors.New("file: lease was broken, or its state file was removed")

// lose tells of a lease granted through this store that is not in the state
// any more, unless it was to end by now.
func (s *Store) lose(i int, n name, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ours := s.local[i].held[n]
	delete(s.local[i].held, n)
	if !ours || until <= now || s.closed {
		return
	}
	loss := driver.Loss{Key: n.key, Owner: n.owner, Err: errBroken}
	ls := slices.Clone(s.listeners)
	if len(ls) == 0 {
		return
	}
	s.work.Go(func() {
		for _, l := range ls {
			l.tell(loss)
		}
	})
}

// findLost looks for leases of this store that are gone from v's state.
func (s *Store) findLost(v *visit) error {
	s.mu.Lock()
	var names []name
	if len(s.listeners) > 0 {
		for n := range s.local[v.i].held {
			names = append(names, n)
		}
	}
	s.mu.Unlock()
	for _, n := range names {
		e, err := v.entry(n.key)
		if err != nil {
			return err
		}
		if e.holding(n.owner) == nil {
			s.lose(v.i, n, v.now)
		}
	}
	return nil
}
