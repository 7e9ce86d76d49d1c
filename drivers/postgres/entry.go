package postgres

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// An entry is what this process knows of a key: what it holds of it, and who
// waits. One request at a time is asked for on the server.
type entry struct {
	at      places
	leases  []*lease
	grips   [len(idles) + 1]grip
	quick   []*ask // who does not wait, and was not asked for yet
	line    []*ask // who waits, first come first
	asked   *ask   // whom the server is asked for
	stands  bool   // in the server's own queue
	leaving int    // what is being given back
	due     bool   // the first in line is to look
	called  bool   // by a message
	waiting flag   // for those who release
	writing flag   // for readers
	turn    flag   // for who is to be told alone
	timer   *time.Timer
	told    *session // that told another process of a release: nobody is known to have come
	// politeUntil: those who wait elsewhere were told of a release by this
	// process, and have their turn.
	politeUntil time.Time
}

// A grip is a session's share of the lock, that all readers, or permits, of one
// class have.
type grip struct {
	on     *session // whose share it is
	count  int
	token  uint64
	cost   int   // how many places of the lock table it has
	size   int32 // of permits: the number of the first
	uneven int32 // and whether the session says that others' are different
}

// entry returns the one of a number.
func (b *backend) entry(number int64) *entry {
	e := b.entries[number]
	if e == nil {
		e = &entry{at: placesOf(number)}
		b.entries[number] = e
	}
	return e
}

// find returns the lease of an owner, nil if it has none.
func (e *entry) find(key, owner string) *lease {
	for _, l := range e.leases {
		if l.owner == owner && l.key == key && !l.keeping {
			return l
		}
	}
	return nil
}

// excludes reports whether what this process holds excludes a mode.
func (e *entry) excludes(mode driver.Mode) bool {
	if len(e.leases) == 0 {
		return false
	}
	return e.leases[0].mode.Excludes(mode) || mode > 0 && len(e.leases) >= mode.Slots()
}

// writerInLine reports whether somebody waits who is to have the key alone.
func (e *entry) writerInLine() bool {
	return slices.ContainsFunc(e.line, func(a *ask) bool { return a.request.Mode == driver.Exclusive })
}

// remaining is for how long what this process holds may be held, 0 if that is
// not known.
func (e *entry) remaining() time.Duration {
	var most time.Duration
	for _, l := range e.leases {
		if l.forever() {
			return driver.Forever
		}
		most = max(most, time.Until(l.ends))
	}
	return most
}

// heldFor is the refusal of a key that is held for a time, 0 where that is not known,
// with one of its holders if this process has any.
func (e *entry) heldFor(d time.Duration) *driver.HeldError {
	held := &driver.HeldError{For: d}
	if len(e.leases) > 0 {
		held.Holder, held.Since = e.leases[0].holder, e.leases[0].since
	}
	return held
}

// advance does what can be done for a key's requests. It is called whenever
// something of the entry has changed.
func (b *backend) advance(e *entry) {
	for e.asked == nil && e.leaving == 0 {
		a := b.next(e)
		if a == nil {
			break
		}
		b.send(e, a)
	}
	if e.stands {
		b.refuseQuick(e)
	}
	b.setFlags(e)
	if e.unused() {
		if e.timer != nil {
			e.timer.Stop()
		}
		delete(b.entries, e.at.lock)
	}
}

func (e *entry) unused() bool {
	return len(e.leases)+len(e.quick)+len(e.line)+e.leaving == 0 && e.asked == nil &&
		e.waiting.clear() && e.writing.clear() && e.turn.clear() && e.told == nil
}

// next returns who is to be asked for, nil for nobody.
func (b *backend) next(e *entry) *ask {
	for len(e.quick) > 0 {
		a := e.quick[0]
		e.quick = slices.Delete(e.quick, 0, 1)
		mode := a.request.Mode
		switch {
		case a.over:
		case b.sameAgain(e, a):
		case e.excludes(mode), mode == driver.Shared && e.writerInLine():
			b.finish(a, e.heldFor(e.remaining()))
		default:
			return a
		}
	}
	for len(e.line) > 0 {
		a := e.line[0]
		if b.sameAgain(e, a) {
			e.line = slices.Delete(e.line, 0, 1)
			continue
		}
		if !e.due || e.excludes(a.request.Mode) {
			return nil
		}
		e.due = false
		a.called, e.called = e.called, false
		return a
	}
	return nil
}

// wake has the first in line look.
func (b *backend) wake(e *entry) {
	if len(e.line) > 0 {
		e.due = true
	}
	b.advance(e)
}

// look has the first in line look: now, or when those elsewhere had their turn who
// were told of a release. Until then the key is marked, so that it may be sooner.
func (b *backend) look(e *entry) {
	left := time.Until(e.politeUntil)
	switch {
	case left <= 0:
		b.wake(e)
		return
	case len(e.line) > 0:
		e.line[0].looked = true
		b.arm(e, left+rand.N(polite/2))
	default:
		b.arm(e, overlooked)
	}
	b.advance(e)
}

// arm has the first in line look after d, unless something else has it look
// before.
func (b *backend) arm(e *entry, d time.Duration) {
	if e.timer != nil {
		e.timer.Reset(d)
		return
	}
	e.timer = time.AfterFunc(d, func() {
		b.mu.Lock()
		defer b.unlock()
		if b.entries[e.at.lock] == e {
			if len(e.line) == 0 {
				b.retell(e)
			}
			b.wake(e)
		}
	})
}
