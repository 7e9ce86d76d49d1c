package redis

import (
	"context"
	"iter"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/batch"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// scanCount is how many keys a step of a SCAN looks at.
const scanCount = 1000

// List yields the held keys that start with prefix. It goes through all keys of
// the database with SCAN, on each master of a Cluster, and looks at those found.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		if err := s.begin(ctx); err != nil {
			yield(driver.Info{}, err)
			return
		}
		defer s.end()
		nodes, err := s.masters(ctx)
		if err != nil {
			yield(driver.Info{}, s.failed(ctx, err))
			return
		}
		seen := make(map[string]bool)
		for _, node := range nodes {
			if !s.listNode(ctx, node, prefix, seen, yield) {
				return
			}
		}
	}
}

// listNode yields the keys of one node that were not seen before, and reports
// whether to go on.
func (s *Store) listNode(ctx context.Context, node redis.Cmdable, prefix string, seen map[string]bool, yield func(driver.Info, error) bool) bool {
	for cursor := uint64(0); ; {
		names, next, err := s.scan(ctx, node, cursor, rediskey.Pattern(prefix))
		if err != nil {
			yield(driver.Info{}, err)
			return false
		}
		var keys []string
		for _, name := range names {
			if key, ok := rediskey.Lock(name); ok && !seen[key] && strings.HasPrefix(key, prefix) {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		if !s.inspectAll(ctx, keys, yield) {
			return false
		}
		if cursor = next; cursor == 0 {
			return true
		}
	}
}

// inspectAll yields those of the keys that are held, and reports whether to go on. It asks
// for them at once, but for the first, from which a server learns the script. What was not
// answered is asked for again.
func (s *Store) inspectAll(ctx context.Context, keys []string, yield func(driver.Info, error) bool) bool {
	calls := make([]*batch.Call, len(keys))
	defer func() {
		for _, c := range calls {
			if c != nil {
				c.Abandon() // of those that are over it does nothing
			}
		}
	}()
	for i, key := range keys {
		info, err := s.inspected(ctx, key, calls[i])
		if err != nil {
			yield(driver.Info{}, err)
			return false
		}
		if len(info.Holders) > 0 && !yield(info, nil) {
			return false
		}
		if i == 0 {
			for n := 1; n < len(keys); n++ {
				calls[n] = batch.NewCall(script.Inspect, rediskey.Name(keys[n]), countAll)
			}
			s.batch.Submit(calls[1:]...)
		}
	}
	return true
}

// inspected waits for the answer to a call, or asks where there is none.
func (s *Store) inspected(ctx context.Context, key string, c *batch.Call) (driver.Info, error) {
	if c == nil || s.batch.Await(ctx, c) != nil {
		return s.inspect(ctx, key)
	}
	return s.info(ctx, key, c.Table)
}

// scan is one step of a SCAN. It returns when ctx ends, which go-redis does not.
func (s *Store) scan(ctx context.Context, node redis.Cmdable, cursor uint64, pattern string) (names []string, next uint64, err error) {
	done := make(chan *redis.ScanCmd, 1)
	s.cleaning.Go(func() { done <- node.Scan(ctx, cursor, pattern, scanCount) })
	select {
	case cmd := <-done:
		if err := cmd.Err(); err != nil {
			return nil, 0, s.failed(ctx, err)
		}
		names, next = cmd.Val()
		return names, next, nil
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case <-s.closed:
		return nil, 0, driver.ErrClosed
	}
}

// masters returns whatever has keys.
func (s *Store) masters(ctx context.Context) ([]redis.Cmdable, error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{s.client}, nil
	}
	var mu sync.Mutex
	var nodes []redis.Cmdable
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	})
	return nodes, err
}
