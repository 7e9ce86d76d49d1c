package memory

import (
	"maps"
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
	entries map[string]*entry // those that are held or waited for, and hot
	hot     *entry            // the one added last; it stays when it is empty
	free    []*entry
	peak    int   // most entries since the map was made
	sweepAt int   // how many entries there are when it is swept next
	swept   int64 // when it was
}

// lookup returns the entry of key, nil if nobody holds it or waits for it. Most
// often it is the hot one: what is locked is unlocked next, and locked again.
func (s *shard) lookup(key string) *entry {
	if s.hot == nil || s.hot.key != key {
		return s.entries[key]
	}
	if s.hot.empty() {
		return nil
	}
	return s.hot
}

// at returns the entry of key as it is now: without the leases that have ended,
// and with those waiters served for whom there is room. nil: the key is free.
func (s *shard) at(key string, now int64) *entry {
	e := s.lookup(key)
	if e == nil || now < e.soonest {
		return e
	}
	e.expire(now)
	s.settle(e)
	return s.lookup(key)
}

// add makes an entry for a key that is free. The caller puts a lease in it.
func (s *shard) add(key string, now int64) *entry {
	if s.hot != nil && s.hot.key == key {
		return s.hot
	}
	if len(s.entries) >= s.sweepAt || now-s.swept > sweepEvery {
		s.sweep(now)
	}
	if s.hot != nil && s.hot.empty() {
		s.forget(s.hot)
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
	s.entries[key], s.hot = e, e
	s.peak = max(s.peak, len(s.entries))
	return e
}

// drop lets go of an entry that nobody holds or waits for.
func (s *shard) drop(e *entry) {
	if e != s.hot {
		s.forget(e)
	}
}

// forget takes an empty entry out of the map.
func (s *shard) forget(e *entry) {
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
		maps.Copy(fewer, s.entries)
		s.entries, s.peak = fewer, len(fewer)
	}
	s.sweepAt = max(firstSweep, 2*len(s.entries))
	s.swept = now
}
