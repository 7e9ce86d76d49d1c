package memory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// held tells for how long the key may exclude a lease in mode, and who holds it
// that long: the lease with whose end there is room.
func (e *entry) held(mode driver.Mode, m moment) *driver.HeldError {
	l := e.inTheWay(mode)
	err := &driver.HeldError{For: driver.Forever, Holder: l.who, Since: m.at(l.since)}
	if l.until != never {
		err.For = time.Duration(max(1, l.until-m.ns))
	}
	return err
}

// inTheWay returns the lease that is waited for last. Of a semaphore without room
// that is the one after whose end fewer than mode's n are left: the first to end, or
// a later one where more are held, which were granted with a larger n. Else it is
// the last of all.
func (e *entry) inTheWay(mode driver.Mode) lease {
	byEnd := func(a, b lease) int { return cmp.Compare(a.until, b.until) }
	last := len(e.leases) - 1
	at := last
	if n := mode.Slots(); n > 0 && e.leases[0].mode > 0 && n <= last+1 {
		at = last + 1 - n
	}
	switch at {
	case 0:
		return slices.MinFunc(e.leases, byEnd)
	case last:
		return slices.MaxFunc(e.leases, byEnd)
	}
	return slices.SortedFunc(slices.Values(e.leases), byEnd)[at]
}

// otherMode refuses an owner that has the key in another mode than it asks for.
func (l *lease) otherMode(asked driver.Mode) error {
	return fmt.Errorf("%w: this owner holds the key already, in mode %v and not %v",
		driver.ErrInvalidRequest, l.mode, asked)
}
