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

// watched returns the leases of this store in state file i, if somebody is to
// hear of their loss.
func (s *Store) watched(i int) (names []name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) > 0 {
		for n := range s.local[i].held {
			names = append(names, n)
		}
	}
	return names
}

// allThere reports whether no lease is lost, without entering the state file:
// who is called has often just got a key, and whoever is frozen inside stops the
// others. Of what it misses only a visit can tell whether it was lost.
func (s *Store) allThere(i int) bool {
	names := s.watched(i)
	if names == nil {
		return true
	}
	var im image
	if s.place.shards[i].snapshot(&im) != nil || im.boot != s.place.boot {
		return false
	}
	for _, n := range names {
		at := slices.IndexFunc(im.parked, func(p parked) bool { return string(p.key) == n.key })
		if at < 0 {
			return false
		}
		if e, err := im.parked[at].decode(); err != nil || e.holding(n.owner) == nil {
			return false
		}
	}
	return true
}

// findLost looks for leases of this store that are gone from v's state.
func (s *Store) findLost(v *visit) error {
	for _, n := range s.watched(v.i) {
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
