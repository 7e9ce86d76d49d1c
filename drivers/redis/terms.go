package redis

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// terms are the arguments that all calls for leases of one kind have in common.
// They are made once, as long as one kind is asked for, and sent once for all calls
// that go together.
type terms struct {
	mode   driver.Mode
	lease  time.Duration
	holder driver.Holder
	args   [6]any // for a request that takes no lease that is handed off to it
	brief  [6]any // for one that does
}

// termsOf returns the terms that r asks for: those of the last request, where they
// are the same.
func (s *Store) termsOf(r *driver.Request) *terms {
	if t := s.last.Load(); t != nil && t.mode == r.Mode && t.lease == r.Lease && t.holder == r.Holder {
		return t
	}
	micros, ttl := lease(r.Lease)
	t := &terms{mode: r.Mode, lease: r.Lease, holder: r.Holder}
	t.args = [6]any{s.counts(), int(r.Mode), micros, ttl, s.wakeup.ID() + reply.HolderText(&r.Holder), ""}
	t.brief = t.args
	if r.Mode == driver.Exclusive && r.Lease >= 2*handedOff {
		t.brief[5] = "1"
	}
	s.last.Store(t)
	return t
}

// acquire are those of acquire.lua.
func (t *terms) acquire(brief bool) []any {
	if brief {
		return t.brief[:]
	}
	return t.args[:]
}

// extend are those of extend.lua.
func (t *terms) extend() []any { return t.args[1:4] }

// counts is what the scripts call COUNTED.
func (s *Store) counts() any {
	if s.counted {
		return "1"
	}
	return ""
}

// ending are the arguments that calls which end a lease have in common.
func (s *Store) ending(mode driver.Mode) []any { return []any{s.counts(), int(mode)} }

// lease returns a lease as the scripts take it: in microseconds, and how long
// its key stays, in milliseconds.
func lease(d time.Duration) (micros, ttl any) {
	if d >= reply.Longest {
		return "", ""
	}
	us := int64((d + time.Microsecond - 1) / time.Microsecond)
	return us, (us+999)/1000 + 1000
}
