package file

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Inspect reads the key's state file without waiting for anybody. Waiters is
// the number of all who wait, in all processes.
func (s *Store) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if err := driver.CheckKey(key); err != nil {
		return driver.Info{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Info{}, err
	}
	defer s.calls.Done()
	infos, err := s.infos(shardOf(key), func(k string) bool { return k == key })
	if err != nil || len(infos) == 0 {
		return driver.Info{Key: key}, err
	}
	return infos[0], nil
}

// List reads one state file after another. A file that can't be read ends it.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		for i := range shards {
			infos, err := s.listed(ctx, i, prefix)
			if err != nil {
				yield(driver.Info{}, err)
				return
			}
			for _, info := range infos {
				if len(info.Holders) > 0 && !yield(info, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) listed(ctx context.Context, i int, prefix string) ([]driver.Info, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	return s.infos(i, func(k string) bool { return strings.HasPrefix(k, prefix) })
}

// infos returns what state file i says of some keys.
func (s *Store) infos(i int, of func(key string) bool) (out []driver.Info, err error) {
	sh := &s.place.shards[i]
	if err := s.place.check(); err != nil {
		return nil, err
	}
	var im image
	if err := sh.snapshot(&im); err != nil {
		return nil, err
	}
	now, wall := bootTime(), time.Now()
	if im.boot != s.place.boot {
		es, err := im.afterBoot(s.place.boot, now, wall)
		if err != nil {
			return nil, damaged(sh.data, err)
		}
		for _, e := range es {
			if of(e.key) {
				out = append(out, s.info(e, now, wall))
			}
		}
	}
	for j := range im.parked {
		if !of(string(im.parked[j].key)) {
			continue
		}
		e, err := im.parked[j].decode()
		if err != nil {
			return nil, damaged(sh.data, err)
		}
		out = append(out, s.info(e, now, wall))
	}
	return out, nil
}

// info describes e, whom it changes, at time now.
func (s *Store) info(e *entry, now int64, wall time.Time) driver.Info {
	e.purge(now, s.seat, s.place.alive)
	info := driver.Info{Key: e.key, Waiters: len(e.line)}
	for i := range e.holdings {
		h := &e.holdings[i]
		held := driver.Held{Holder: h.who, Mode: h.mode, Token: h.token, Since: time.Unix(0, h.since)}
		if h.until != forever {
			held.Until = wall.Add(time.Duration(h.until - now))
		}
		info.Holders = append(info.Holders, held)
	}
	return info
}

// Break ends every lease on key, calls who waits, and tells the stores through
// which the leases were granted.
func (s *Store) Break(ctx context.Context, key string) (info driver.Info, err error) {
	if err := driver.CheckKey(key); err != nil {
		return driver.Info{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Info{}, err
	}
	defer s.calls.Done()
	i := shardOf(key)
	err = s.visit(ctx, i, func(v *visit) error {
		e, err := v.entry(key)
		if err != nil {
			return err
		}
		info = s.info(e, v.now, time.Now())
		if len(e.holdings) == 0 {
			return driver.ErrNotHeld
		}
		for _, h := range e.holdings {
			switch {
			case h.kept:
			case h.seat == s.seat:
				v.saved = append(v.saved, func() { s.lose(i, name{key, h.owner}, v.now) })
			default:
				v.pokes = append(v.pokes, h.seat)
			}
		}
		e.holdings, v.dirty = nil, true
		return nil
	})
	if err != nil {
		return driver.Info{Key: key}, err
	}
	return info, nil
}
