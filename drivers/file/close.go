package file

import (
	"context"
	"slices"
	"time"
)

// Close releases what was granted through this store and gives its slot back.
// What it can't release within two seconds, because a state file is stuck or
// the disk fails, is free all the same: others see that its store is gone.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.closeDone
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	defer close(s.closeDone)

	s.cancel()
	s.calls.Wait()
	if !s.polls {
		s.place.watch.remove(s)
	}
	s.work.Wait()
	s.giveBack()
	s.place.mu.Lock()
	delete(s.place.stores, s.seat.slot)
	s.place.mu.Unlock()
	s.slot.free()
	s.place.close()
	return nil
}

// giveBack removes this store's leases and places in line, and calls who waits
// for them.
func (s *Store) giveBack() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for i := range s.local {
		l := &s.local[i]
		if len(l.held) == 0 && !l.queued {
			continue
		}
		_ = s.visitUntil(ctx, nil, i, func(v *visit) error {
			for _, p := range slices.Clone(v.sh.im.parked) {
				e, err := v.entry(string(p.key))
				if err != nil {
					return err
				}
				n := len(e.holdings) + len(e.line)
				e.holdings = slices.DeleteFunc(e.holdings, func(h holding) bool { return !h.kept && h.seat == s.seat })
				e.line = slices.DeleteFunc(e.line, func(w waiting) bool { return w.seat == s.seat })
				v.dirty = v.dirty || n != len(e.holdings)+len(e.line)
			}
			return nil
		})
	}
}
