package locktest

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A ledger is what was asked for through a store and not given back. Its store's
// mutex guards it.
type ledger struct {
	grants  map[grantID]*claim
	asking  map[*claim]struct{}
	changed chan<- struct{}
}

// A grantID is who has a lease of which key.
type grantID struct{ key, owner string }

// A claim is one lease that somebody has or asks for.
type claim struct {
	key    string
	holder driver.Holder
	mode   driver.Mode
	since  time.Time
	token  uint64 // 0: it is asked for
	place  string // where locktest.Hold was called; empty: the code under test has it
	left   bool   // it was there when the test ended
}

func newLedger(changed chan<- struct{}) ledger {
	return ledger{grants: make(map[grantID]*claim), asking: make(map[*claim]struct{}), changed: changed}
}

func newClaim(r *driver.Request) *claim {
	return &claim{key: r.Key, holder: r.Holder, mode: r.Mode, since: time.Now()}
}

func (l *ledger) has(r *driver.Request) bool { return l.grants[grantID{r.Key, r.Owner}] != nil }

// granted notes that r's owner has a lease. Asked for again it is the one that it
// was.
func (l *ledger) granted(r *driver.Request, token uint64) *claim {
	id := grantID{r.Key, r.Owner}
	if c := l.grants[id]; c != nil && c.token == token {
		return c
	}
	c := newClaim(r)
	c.token = token
	l.grants[id] = c
	return c
}

// tell wakes who waits for a change.
func (l *ledger) tell() {
	select {
	case l.changed <- struct{}{}:
	default: // it was told already
	}
}

// asking notes that r is asked for, until over is called.
func (s *store) asking(r *driver.Request) (over func()) {
	c := newClaim(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.asking[c] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ledger.asking, c)
		s.ledger.tell()
	}
}

// gaveUp notes that r's owner gives its lease back. If the store does not get to
// know, that is no mistake of the code under test.
func (s *store) gaveUp(r *driver.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ledger.grants, grantID{r.Key, r.Owner})
	s.ledger.tell()
}

// left returns the claims that are there now, and those that were when it was
// called before and have ended by themselves since.
func (s *store) left() []*claim {
	live := s.tokens()
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []*claim
	for _, c := range s.ledger.grants {
		if c.left = c.left || live[c.token]; c.left {
			left = append(left, c)
		}
	}
	for c := range s.ledger.asking {
		left = append(left, c)
	}
	return left
}
