package memory

import "github.com/concurrent-go/concurrent/driver"

// Close releases what was granted through s and not kept, and ends its waits
// with ErrClosed. Other stores of the same name, and who waits through them, go
// on. It takes a look at every key that is held. A second Close returns when
// the first has done its work.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed.Store(true)
		for i := range s.backend.shards {
			s.backend.shards[i].forgetAll(s)
		}
	})
	return nil
}

// forgetAll takes everything of st out of the shard. Nothing is added any more: st
// is marked as closed.
func (s *shard) forgetAll(st *Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		changed := e.removeIf(func(l *lease) bool { return l.store == st })
		if e.queue != nil && e.queue.refuse(st) {
			changed = true
		}
		if changed {
			s.settle(e)
		}
	}
}

// refuse ends the waits of st, and reports whether there was any.
func (q *queue) refuse(st *Store) bool {
	before := q.length
	for w := q.first; w != nil; {
		next := w.next
		if w.store == st {
			w.err = driver.ErrClosed
			q.wake(w)
		}
		w = next
	}
	return q.length != before
}
