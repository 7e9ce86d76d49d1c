package redis

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
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
	a := s.call(ctx, script.Inspect, key, countAll)
	if a.err != nil {
		return driver.Info{}, a.err
	}
	return s.info(ctx, key, a.table)
}

// countAll has inspect.lua count those who wait from the first on.
var countAll = []any{0}

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
	a := s.call(ctx, script.Break, key, []any{s.counts()})
	if a.err != nil {
		return driver.Info{}, a.err
	}
	info, err := s.info(ctx, key, a.table)
	if err == nil && len(info.Holders) == 0 {
		return driver.Info{}, driver.ErrNotHeld
	}
	return info, err
}

// info reads the reply of a script that lists leases, and goes on counting those who wait
// where they were too many for it.
func (s *Store) info(ctx context.Context, key string, table []any) (driver.Info, error) {
	info, more, err := reply.Info(key, table, time.Now())
	for err == nil && more != 0 {
		a := s.call(ctx, script.Inspect, key, []any{more})
		if a.err != nil {
			return driver.Info{}, a.err
		}
		var rest driver.Info
		rest, more, err = reply.Info(key, a.table, time.Now())
		info.Waiters += rest.Waiters
	}
	if err != nil {
		return driver.Info{}, s.failed(ctx, err)
	}
	return info, nil
}
