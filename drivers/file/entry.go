package file

import (
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// The rules of one key, without I/O.
//
// Those who wait stand in one line. When the key is free for the first of
// them, and for those behind it who may share it, they are called: the key is
// reserved for them for a while, so that no newcomer takes it while they wake.
// Who does not come in that time, because its process is frozen, is passed
// over until it shows up.

// callTime is how long a key is reserved for a waiter that was called. Longer
// than a busy machine takes to wake a process; a frozen waiter delays the
// others that long, once.
const callTime = 200 * time.Millisecond

// purge removes whoever holds or waits no more at time now: leases that ended,
// stores that are gone. It reports whether it changed e.
func (e *entry) purge(now int64, me seat, alive func(seat) bool) (changed bool) {
	holders := len(e.holdings)
	e.holdings = slices.DeleteFunc(e.holdings, func(h holding) bool {
		return h.until <= now || !h.kept && !alive(h.seat)
	})
	gone := false
	for i := range e.line {
		w := &e.line[i]
		gone = gone || !alive(w.seat)
		if w.called != 0 && w.called <= now && w.seat != me {
			e.pass(w.seat)
			changed = true
		}
	}
	if gone {
		e.line = slices.DeleteFunc(e.line, func(w waiting) bool { return !alive(w.seat) })
	}
	return changed || gone || holders != len(e.holdings)
}

// pass lets others go before all who wait in the store at s: before all, or
// else those behind the one who was called would overtake it.
func (e *entry) pass(s seat) {
	for i := range e.line {
		if w := &e.line[i]; w.seat == s {
			w.called, w.passed = 0, true
		}
	}
}

// back undoes pass. It reports whether it changed e.
func (e *entry) back(s seat) (changed bool) {
	for i := range e.line {
		if w := &e.line[i]; w.seat == s && w.passed {
			w.passed, changed = false, true
		}
	}
	return changed
}

// admits reports whether owner may hold the key in mode m beside those who
// hold it and those who were called. A permit is counted against its own n,
// whatever n those were asked for, and must leave room for the ones that were
// called: one of a larger n, granted before they come, would fill theirs.
func (e *entry) admits(m driver.Mode, owner string) bool {
	n, room := 0, m.Slots()
	for i := range e.holdings {
		if m.Excludes(e.holdings[i].mode) {
			return false
		}
		n++
	}
	for i := range e.line {
		w := &e.line[i]
		if w.called == 0 || w.owner == owner {
			continue
		}
		if m.Excludes(w.mode) {
			return false
		}
		n, room = n+1, min(room, w.mode.Slots())
	}
	return m.Slots() == 0 || n < room
}

// crowded reports whether somebody stands in line whom a newcomer must not
// overtake.
func (e *entry) crowded() bool {
	return slices.ContainsFunc(e.line, func(w waiting) bool { return w.called == 0 && !w.passed })
}

// holding returns owner's lease, or nil.
func (e *entry) holding(owner string) *holding {
	for i := range e.holdings {
		if h := &e.holdings[i]; !h.kept && h.owner == owner {
			return h
		}
	}
	return nil
}

// drop removes owner's lease.
func (e *entry) drop(owner string) {
	e.holdings = slices.DeleteFunc(e.holdings, func(h holding) bool { return !h.kept && h.owner == owner })
}

// next returns when the next change of e by time alone is due.
func (e *entry) next() int64 {
	t := int64(forever)
	for i := range e.holdings {
		t = min(t, e.holdings[i].until)
	}
	for i := range e.line {
		if c := e.line[i].called; c != 0 {
			t = min(t, c)
		}
	}
	return t
}

// after returns the time d after now, forever if d is Forever or too long.
func after(now int64, d time.Duration) int64 {
	if d > time.Duration(forever-1-now) {
		return forever
	}
	return now + int64(d)
}
