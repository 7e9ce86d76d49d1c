package memory

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/concurrent-go/concurrent/driver"
)

// errBroken is why a holder lost what Break ended.
var errBroken = errors.New("memory: the lock was broken")

// look is what calls without a request begin with.
func (s *Store) look(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.closed.Load() {
		return driver.ErrClosed
	}
	return nil
}

// Inspect tells who holds key, and how many wait for it through any store of
// this name.
func (s *Store) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if err := driver.CheckKey(key); err != nil {
		return driver.Info{}, err
	}
	if err := s.look(ctx); err != nil {
		return driver.Info{}, err
	}
	sh := s.backend.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.entries[key]; e != nil {
		return s.backend.info(e, s.backend.now()), nil
	}
	return driver.Info{Key: key}, nil
}

// info describes the leases of e that have not ended.
func (b *backend) info(e *entry, now int64) driver.Info {
	info := driver.Info{Key: e.key}
	for i := range e.holders {
		h := &e.holders[i]
		if h.until > now {
			info.Holders = append(info.Holders, driver.Held{
				Holder: h.who, Mode: e.mode, Token: h.token, Since: b.at(h.since), Until: b.at(h.until),
			})
		}
	}
	if e.queue != nil {
		info.Waiters = e.queue.waiters.Len()
	}
	return info
}

// List yields the held keys that start with prefix, shard by shard.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		for i := range s.backend.shards {
			if err := s.look(ctx); err != nil {
				yield(driver.Info{}, err)
				return
			}
			for _, info := range s.backend.shards[i].list(prefix) {
				if !yield(info, nil) {
					return
				}
			}
		}
	}
}

func (sh *shard) list(prefix string) []driver.Info {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := sh.backend.now()
	var infos []driver.Info
	for key, e := range sh.entries {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if info := sh.backend.info(e, now); len(info.Holders) > 0 {
			infos = append(infos, info)
		}
	}
	return infos
}

// Break ends every lease on key and tells the stores that lost one.
func (s *Store) Break(ctx context.Context, key string) (driver.Info, error) {
	if err := driver.CheckKey(key); err != nil {
		return driver.Info{}, err
	}
	if err := s.look(ctx); err != nil {
		return driver.Info{}, err
	}
	info, broken := s.backend.shard(key).breakAll(key)
	if len(info.Holders) == 0 {
		return driver.Info{}, driver.ErrNotHeld
	}
	for _, h := range broken {
		h.store.notify(driver.Loss{Key: key, Owner: h.owner, Err: errBroken})
	}
	return info, nil
}

// breakAll returns what e was before, and the holders to be told.
func (sh *shard) breakAll(key string) (driver.Info, []holder) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := sh.backend.now()
	e := sh.entries[key]
	if e == nil {
		return driver.Info{}, nil
	}
	info := sh.backend.info(e, now)
	var broken []holder
	e.removeIf(func(h *holder) bool {
		if h.store != nil && h.until > now {
			broken = append(broken, *h)
		}
		return true
	})
	sh.settle(e, now)
	return info, broken
}

// NotifyLost has f called for every lease of this store that is broken.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.listeners == nil {
		s.listeners = make(map[int]func(driver.Loss))
	}
	s.lastAdded++
	id := s.lastAdded
	s.listeners[id] = f
	return func() {
		s.listening.Lock()
		defer s.listening.Unlock()
		delete(s.listeners, id)
	}
}

func (s *Store) notify(l driver.Loss) {
	s.listening.RLock()
	fs := make([]func(driver.Loss), 0, len(s.listeners))
	for _, f := range s.listeners {
		fs = append(fs, f)
	}
	s.listening.RUnlock()
	for _, f := range fs {
		f(l)
	}
}
