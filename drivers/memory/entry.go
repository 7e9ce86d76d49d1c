package memory

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// An entry is a key that is held or waited for. Its shard's mutex guards it.
type entry struct {
	key     string
	mode    driver.Mode // of all holders
	holders []holder
	inline  [1]holder      // behind holders as long as there is one
	index   map[string]int // owner → place in holders, once there are many
	queue   *queue         // nil: nobody waits
}

// A holder is one lease.
type holder struct {
	owner string // empty: kept, so that nobody is its owner
	until int64
	since int64
	token uint64
	store *Store // nil: kept, so that no Close ends it
	who   driver.Holder
}

// manyHolders is from when on holders are found by an index.
const manyHolders = 32

// find returns the place of owner's lease, −1 if it has none.
func (e *entry) find(owner string) int {
	if e.index != nil {
		if i, ok := e.index[owner]; ok {
			return i
		}
		return -1
	}
	for i := range e.holders {
		if e.holders[i].owner == owner {
			return i
		}
	}
	return -1
}

func (e *entry) add(h holder) {
	if e.holders == nil {
		e.holders = e.inline[:0]
	}
	e.holders = append(e.holders, h)
	switch {
	case e.index != nil:
		e.index[h.owner] = len(e.holders) - 1
	case len(e.holders) > manyHolders:
		e.index = make(map[string]int, 2*len(e.holders))
		for i := range e.holders {
			e.index[e.holders[i].owner] = i
		}
	}
}

func (e *entry) remove(i int) {
	last := len(e.holders) - 1
	if e.index != nil {
		delete(e.index, e.holders[i].owner)
		if i != last {
			e.index[e.holders[last].owner] = i
		}
	}
	e.holders[i] = e.holders[last]
	e.holders[last] = holder{}
	e.holders = e.holders[:last]
	if last == 0 {
		e.holders, e.index = nil, nil
	}
}

// removeIf removes the leases for which f is true, and reports whether any was.
func (e *entry) removeIf(f func(*holder) bool) bool {
	before := len(e.holders)
	for i := len(e.holders) - 1; i >= 0; i-- {
		if f(&e.holders[i]) {
			e.remove(i)
		}
	}
	return len(e.holders) != before
}

// expire removes the leases that have ended.
func (e *entry) expire(now int64) bool {
	if len(e.holders) == 1 && e.holders[0].until > now {
		return false
	}
	return e.removeIf(func(h *holder) bool { return h.until <= now })
}

// fits reports whether a lease in mode can stand beside the present ones.
func (e *entry) fits(mode driver.Mode) bool {
	switch {
	case len(e.holders) == 0:
		return true
	case mode.Excludes(e.mode):
		return false
	}
	return mode == driver.Shared || len(e.holders) < mode.Slots()
}

// grant adds a lease that begins now.
func (e *entry) grant(s *Store, r *driver.Request, sent time.Time, now int64) driver.Grant {
	token := s.backend.token()
	e.mode = r.Mode
	e.add(holder{owner: r.Owner, until: until(now, r.Lease), since: now, token: token, store: s, who: r.Holder})
	return driver.Grant{Token: token, Spare: spare, Sent: sent}
}

// held tells for how long the key may exclude a lease in mode: for a permit of
// the same semaphore until the first holder is gone, else until the last is.
func (e *entry) held(mode driver.Mode, now int64) *driver.HeldError {
	var end int64
	for i := range e.holders {
		u := e.holders[i].until
		switch {
		case i == 0:
			end = u
		case mode == e.mode && mode.Slots() > 0:
			end = min(end, u)
		default:
			end = max(end, u)
		}
	}
	if end == never {
		return &driver.HeldError{For: driver.Forever}
	}
	return &driver.HeldError{For: time.Duration(max(1, end-now))}
}
