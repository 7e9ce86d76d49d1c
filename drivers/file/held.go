package file

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// An end is when a lease, or the call of one that waits, makes room.
type end struct {
	at int64
	by *holding // nil: a call
}

// held returns what there is to know of how long a request in mode m must wait,
// and for whom.
func (e *entry) held(m driver.Mode, now int64) *driver.HeldError {
	x := e.inTheWay(m)
	err := &driver.HeldError{For: driver.Forever}
	if x.at != forever {
		err.For = time.Duration(max(x.at-now, 1))
	}
	if x.by != nil {
		err.Holder, err.Since = x.by.who, time.Unix(0, x.by.since)
	}
	return err
}

// inTheWay returns the end that is waited for last. Of a semaphore without room
// that is the one after which fewer than m's n are left: the first, or a later one
// where more are held, which were granted with a larger n. Else it is the last of
// all.
func (e *entry) inTheWay(m driver.Mode) end {
	var all []end
	counted := m.Slots() > 0
	for i := range e.holdings {
		h := &e.holdings[i]
		all = append(all, end{h.until, h})
		counted = counted && !m.Excludes(h.mode)
	}
	for i := range e.line {
		if w := &e.line[i]; w.called != 0 {
			all = append(all, end{w.called, nil})
			counted = counted && !m.Excludes(w.mode)
		}
	}
	if len(all) == 0 {
		return end{} // others come first
	}
	slices.SortFunc(all, func(a, b end) int { return cmp.Compare(a.at, b.at) })
	if n := m.Slots(); counted && n <= len(all) {
		return all[len(all)-n]
	}
	return all[len(all)-1]
}

// otherMode refuses an owner that has the key in another mode than it asks for.
func (h *holding) otherMode(asked driver.Mode) error {
	return fmt.Errorf("%w: this owner holds the key already, in mode %v and not %v",
		driver.ErrInvalidRequest, h.mode, asked)
}
