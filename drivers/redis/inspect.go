package redis

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// Inspect tells who holds key, in the order in which they were granted it, and
// how many wait for it.
func (s *Store) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if err := driver.CheckKey(key); err != nil {
		return driver.Info{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Info{}, err
	}
	defer s.end()
	return s.inspect(ctx, key)
}

func (s *Store) inspect(ctx context.Context, key string) (driver.Info, error) {
	a := s.callTable(ctx, 2, script.Inspect, key)
	if a.err != nil {
		return driver.Info{}, a.err
	}
	return s.info(ctx, key, a.table)
}

// Break ends every lease on key, and tells the stores that lost one: also those
// of other processes.
func (s *Store) Break(ctx context.Context, key string) (driver.Info, error) {
	if err := driver.CheckKey(key); err != nil {
		return driver.Info{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Info{}, err
	}
	defer s.end()
	a := s.callTable(ctx, 2, script.Break, key, s.counts())
	if a.err != nil {
		return driver.Info{}, a.err
	}
	info, err := s.info(ctx, key, a.table)
	if err == nil && len(info.Holders) == 0 {
		return driver.Info{}, driver.ErrNotHeld
	}
	return info, err
}

// info reads what listing.lua and its callers return.
func (s *Store) info(ctx context.Context, key string, reply []any) (driver.Info, error) {
	now := time.Now()
	waiters, ok := reply[0].(int64)
	leases, ok2 := reply[1].([]any)
	if !ok || !ok2 {
		return driver.Info{}, s.failed(ctx, errReply)
	}
	info := driver.Info{Key: key, Waiters: int(waiters), Holders: make([]driver.Held, len(leases))}
	for i, l := range leases {
		row, ok := l.([]any)
		if !ok || !readHeld(row, now, &info.Holders[i]) {
			return driver.Info{}, s.failed(ctx, errReply)
		}
	}
	slices.SortFunc(info.Holders, func(a, b driver.Held) int { return cmp.Compare(a.Token, b.Token) })
	return info, nil
}

// readHeld reads one lease: owner, mode, token, age, time left, inbox and
// holder.
func readHeld(row []any, now time.Time, h *driver.Held) bool {
	var n [4]int64
	if len(row) != 6 {
		return false
	}
	for i := range n {
		v, ok := row[i+1].(int64)
		if !ok {
			return false
		}
		n[i] = v
	}
	text, ok := row[5].(string)
	if !ok || len(text) < rediskey.ChannelLen {
		return false
	}
	h.Holder, h.Mode, h.Token = holderOf(text[rediskey.ChannelLen:]), driver.Mode(n[0]), uint64(n[1])<<spareBits
	h.Since = now.Add(-time.Duration(n[2]) * time.Microsecond)
	if n[3] >= 0 {
		h.Until = now.Add(time.Duration(n[3]) * time.Microsecond)
	}
	return true
}
