package memory

import (
	"sync"
	"time"
	"unsafe"
)

const (
	keepFree   = 32                 // entries a shard keeps for reuse
	firstSweep = 128                // keys in a shard before it is swept for its size
	sweepEvery = int64(time.Minute) // how long an ended lease stays when new keys come
)

// A shard is a part of the keys under one mutex.
type shard struct {
	shardState
	_ [128 - unsafe.Sizeof(shardState{})%128]byte // neighbours share no cache line
}

type shardState struct {
	backend *backend

	mu      sync.Mutex
	entries map[string]*entry // those that are held or waited for
	free    []*entry
	peak    int   // most entries since the map was made
	sweepAt int   // how many entries there are when it is swept next
	swept   int64 // when it was
}

// at returns the entry of key as it is now: without the leases that have ended,
// and with those waiters served for whom there is room. nil: the key is free.
func (s *shard) at(key string, now int64) *entry {
	e := s.entries[key]
	if e == nil || now < e.soonest {
		return e
	}
	e.expire(now)
	s.settle(e)
	return s.entries[key]
}

// add makes an entry for a key that is free. The caller puts a lease in it.
func (s *shard) add(key string, now int64) *entry {
	if len(s.entries) >= s.sweepAt || now-s.swept > sweepEvery {
		s.sweep(now)
	}
	var e *entry
	if last := len(s.free) - 1; last >= 0 {
		e = s.free[last]
		s.free[last] = nil
		s.free = s.free[:last]
	} else {
		e = new(entry)
	}
	e.key, e.soonest = key, never
	s.entries[key] = e
	s.peak = max(s.peak, len(s.entries))
	return e
}

// drop forgets an entry that nobody holds or waits for.
func (s *shard) drop(e *entry) {
	delete(s.entries, e.key)
	if len(s.free) < keepFree {
		*e = entry{}
		s.free = append(s.free, e)
	}
}

// sweep forgets the leases that ended and that nobody asked about. It runs
// when the keys have doubled, so that each pays for one other, and now and
// then. A map never shrinks, so one that is nearly empty is made anew.
func (s *shard) sweep(now int64) {
	for _, e := range s.entries {
		if e.queue == nil && now >= e.soonest {
			e.expire(now)
			if len(e.leases) == 0 {
				s.drop(e)
			}
		}
	}
	if s.peak > firstSweep && len(s.entries) < s.peak/4 {
		fewer := make(map[string]*entry, len(s.entries))
		for key, e := range s.entries {
			fewer[key] = e
		}
		s.entries, s.peak = fewer, len(fewer)
	}
	s.sweepAt = max(firstSweep, 2*len(s.entries))
	s.swept = now
}
