package file

import (
	"time"
)

// probe looks at what is waited for as long as somebody waits: it sees leases
// end, holders who were killed, and waiters who did not come when called. It
// only reads, and enters a state file only if there is something to do. It
// wakes for the next end of a lease, and every probeTime for what nobody
// tells.
func (s *Store) probe() {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-s.kick:
		case <-s.closing:
			return
		}
		if s.polls {
			s.called()
		}
		keys := s.awaited()
		if keys == nil {
			return
		}
		now := bootTime()
		next := now + int64(s.pace)
		lives := map[seat]bool{}
		for i, ks := range keys {
			next = min(next, s.examine(i, ks, lives))
		}
		s.mu.Lock()
		s.probeAt = next
		s.mu.Unlock()
		t.Reset(time.Duration(max(next-bootTime(), int64(time.Millisecond))))
	}
}

// awaited returns the keys that are waited for, by state file; nil, and the
// probe is over, if there are none.
func (s *Store) awaited() map[int]map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiters == 0 || s.closed {
		s.probing = false
		return nil
	}
	out := map[int]map[string]bool{}
	for i := range s.local {
		for _, w := range s.local[i].line {
			if out[i] == nil {
				out[i] = map[string]bool{}
			}
			out[i][w.req.Key] = true
		}
	}
	return out
}

// examine reads state file i, serves it if a key of it can change hands, and
// returns when the next of them may by time alone.
func (s *Store) examine(i int, keys map[string]bool, lives map[seat]bool) (next int64) {
	alive := func(x seat) bool {
		is, known := lives[x]
		if !known {
			is = x == s.seat || s.place.alive(x)
			lives[x] = is
		}
		return is
	}
	next = forever
	var im image
	if s.place.shards[i].snapshot(&im) != nil || im.boot != s.place.boot {
		s.serve(i) // the visit says what is wrong
		return next
	}
	now := bootTime()
	for j := range im.parked {
		p := &im.parked[j]
		if !keys[string(p.key)] {
			continue
		}
		delete(keys, string(p.key))
		e, err := p.decode()
		if err != nil || e.purge(now, s.seat, alive) || e.mine(s.seat) {
			s.serve(i)
			return next
		}
		next = min(next, e.next())
	}
	if len(keys) > 0 {
		s.serve(i) // a key is free, or its line was lost
	}
	return next
}

// mine reports whether a waiter of the store at s may go.
func (e *entry) mine(s seat) bool {
	for i := range e.line {
		w := &e.line[i]
		if w.seat == s && (w.called != 0 || w.passed || e.admits(w.mode, w.owner) && !e.blocked(i)) {
			return true
		}
	}
	return false
}

// blocked reports whether somebody stands before e.line[i] who was not called.
func (e *entry) blocked(i int) bool {
	for j := range i {
		if e.line[j].called == 0 && !e.line[j].passed {
			return true
		}
	}
	return false
}

// hurry has probe look no later than at t.
func (s *Store) hurry(t int64) {
	s.mu.Lock()
	late := s.probing && (s.probeAt == 0 || t < s.probeAt)
	s.mu.Unlock()
	if late {
		select {
		case s.kick <- struct{}{}:
		default:
		}
	}
}
