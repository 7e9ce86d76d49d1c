package memory

import "github.com/concurrent-go/concurrent/driver"

// An entry is a key that is held or waited for. Its shard's mutex guards it.
//
// While somebody waits, somebody else holds the key so that there is no room
// for the first in the queue: shard.settle sees to it.
type entry struct {
	key     string
	soonest int64 // no lease ends before
	leases  []lease
	inline  [1]lease       // behind leases as long as there is one
	index   map[string]int // owner → place in leases, once there are many
	queue   *queue         // nil: nobody waits
}

// A lease is one grant that has not ended, as far as anybody looked.
type lease struct {
	owner string // empty: kept, so that it is nobody's
	until int64
	since int64
	token uint64
	store *Store // nil: kept, so that no Close ends it
	who   driver.Holder
	mode  driver.Mode // permits of one key may be of different sizes
}

// manyLeases is from when on leases are found by an index.
const manyLeases = 32

// empty reports whether nobody holds the key or waits for it.
func (e *entry) empty() bool { return len(e.leases) == 0 && e.queue == nil }

// find returns the place of owner's lease, −1 if it has none. owner is not
// empty.
func (e *entry) find(owner string) int {
	if e.index != nil {
		if i, ok := e.index[owner]; ok {
			return i
		}
		return -1
	}
	for i := range e.leases {
		if e.leases[i].owner == owner {
			return i
		}
	}
	return -1
}

// grant adds a lease that begins at m. The caller saw that it fits.
func (e *entry) grant(s *Store, r *driver.Request, m moment) driver.Grant {
	token := s.backend.token()
	if e.leases == nil {
		e.leases = e.inline[:0]
	}
	e.leases = append(e.leases, lease{owner: r.Owner, since: m.ns, token: token, store: s, who: r.Holder, mode: r.Mode})
	last := len(e.leases) - 1
	e.renew(last, end(m.ns, r.Lease))
	switch {
	case e.index != nil:
		e.index[r.Owner] = last
	case last >= manyLeases:
		e.reindex()
	}
	return driver.Grant{Token: token, Spare: spare, Sent: m.t}
}

func (e *entry) reindex() {
	e.index = make(map[string]int, 2*len(e.leases))
	for i := range e.leases {
		e.index[e.leases[i].owner] = i
	}
}

// renew makes a lease end at until. With one lease, soonest is exact: a timer
// that waits for it need not go off for a lease that was extended.
func (e *entry) renew(i int, until int64) {
	e.leases[i].until = until
	if len(e.leases) == 1 {
		e.soonest = until
	} else {
		e.soonest = min(e.soonest, until)
	}
}

// keep makes a lease nobody's.
func (e *entry) keep(i int) {
	if e.index != nil {
		delete(e.index, e.leases[i].owner)
	}
	e.leases[i].owner, e.leases[i].store = "", nil
}

// remove takes a lease out. Places of others change.
func (e *entry) remove(i int) {
	last := len(e.leases) - 1
	if e.index != nil {
		delete(e.index, e.leases[i].owner)
		if i != last {
			e.index[e.leases[last].owner] = i
		}
	}
	if i != last {
		e.leases[i] = e.leases[last]
	}
	e.leases[last] = lease{}
	e.leases = e.leases[:last]
	if last == 0 {
		e.leases, e.index, e.soonest = nil, nil, never
	}
}

// removeIf removes the leases for which f is true, and reports whether any was.
func (e *entry) removeIf(f func(*lease) bool) bool {
	before := len(e.leases)
	for i := before - 1; i >= 0; i-- {
		if f(&e.leases[i]) {
			e.remove(i)
		}
	}
	return len(e.leases) != before
}

// expire removes the leases that have ended.
func (e *entry) expire(now int64) {
	soonest := never
	e.removeIf(func(l *lease) bool {
		if l.until <= now {
			return true
		}
		soonest = min(soonest, l.until)
		return false
	})
	e.soonest = soonest
}

// fits reports whether a lease in mode can stand beside the present ones. What
// the first of them excludes, all do.
func (e *entry) fits(mode driver.Mode) bool {
	switch {
	case len(e.leases) == 0:
		return true
	case mode.Excludes(e.leases[0].mode):
		return false
	}
	return mode == driver.Shared || len(e.leases) < mode.Slots()
}
