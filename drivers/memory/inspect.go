package memory

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/driver"
)

// Inspect tells who holds key, in the order in which they were granted it, and
// how many wait for it through any store of this name.
func (s *Store) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if err := s.checkKey(ctx, key); err != nil {
		return driver.Info{}, err
	}
	return s.backend.shard(key).inspect(key), nil
}

func (s *shard) inspect(key string) driver.Info {
	m := s.backend.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.at(key, m.ns); e != nil {
		return e.info(m)
	}
	return driver.Info{Key: key}
}

func (e *entry) info(m moment) driver.Info {
	info := driver.Info{Key: e.key, Holders: make([]driver.Held, len(e.leases))}
	for i := range e.leases {
		l := &e.leases[i]
		info.Holders[i] = driver.Held{
			Holder: l.who, Mode: l.mode, Token: l.token, Since: m.at(l.since), Until: m.at(l.until),
		}
	}
	slices.SortFunc(info.Holders, func(a, b driver.Held) int { return cmp.Compare(a.Token, b.Token) })
	if e.queue != nil {
		info.Waiters, info.Queue = e.queue.length, e.queue.shown(m)
	}
	return info
}

// shown returns the first in the queue, as Inspect tells of them.
func (q *queue) shown(m moment) []driver.Held {
	var first []driver.Held
	for w := q.first; w != nil && len(first) < driver.QueueShown; w = w.next {
		r := &w.request
		first = append(first, driver.Held{Holder: r.Holder, Mode: r.Mode, Since: m.at(w.since)})
	}
	return first
}

// List yields the held keys that start with prefix. No lock is held while it
// yields, nor for longer than it takes to copy a shard's keys.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		for i := range s.backend.shards {
			sh := &s.backend.shards[i]
			for _, key := range sh.keys(prefix) {
				if err := s.check(ctx); err != nil {
					yield(driver.Info{}, err)
					return
				}
				if info := sh.inspect(key); len(info.Holders) > 0 && !yield(info, nil) {
					return
				}
			}
		}
		if err := s.check(ctx); err != nil {
			yield(driver.Info{}, err)
		}
	}
}

func (s *shard) keys(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.entries {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// errBroken is why a holder lost what Break ended.
var errBroken = errors.New("memory: the lock was broken")

// Break ends every lease on key, gives the key to the next in line, and tells
// the stores that lost one, before it returns.
func (s *Store) Break(ctx context.Context, key string) (driver.Info, error) {
	if err := s.checkKey(ctx, key); err != nil {
		return driver.Info{}, err
	}
	info, broken := s.backend.shard(key).breakAll(key)
	if len(info.Holders) == 0 {
		return driver.Info{}, driver.ErrNotHeld
	}
	for _, l := range broken {
		l.store.losses.Tell(driver.Loss{Key: key, Owner: l.owner, Err: errBroken})
	}
	return info, nil
}

// breakAll returns what e was before, and the leases whose owners are to be
// told.
func (s *shard) breakAll(key string) (driver.Info, []lease) {
	m := s.backend.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.at(key, m.ns)
	if e == nil {
		return driver.Info{}, nil
	}
	info := e.info(m)
	var broken []lease
	e.removeIf(func(l *lease) bool {
		if l.store != nil {
			broken = append(broken, *l)
		}
		return true
	})
	s.settle(e)
	return info, broken
}
