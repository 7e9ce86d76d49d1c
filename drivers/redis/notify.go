package redis

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

var errBroken = errors.New("redis: the lock was broken")

// NotifyLost has f called for every lease of this store that is broken. Who
// breaks one sends a message to its holder's store. A lease that goes with the
// server's data is noticed when it is extended.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) { return s.losses.Add(f) }

// broken is told of a lease of this store that was broken.
func (s *Store) broken(key, owner string) {
	s.grants.remove(key, owner)
	s.losses.Tell(driver.Loss{Key: key, Owner: owner, Err: errBroken})
}

// aged is how many connections may be left, at most, that were made to a server before
// it became a replica: go-redis gives up each that says so.
const aged = 8

// counter returns what asks the master how many listen to the store's channel, or nil on
// a Cluster, where messages come from every node, and none counts all who listen.
func (s *Store) counter() func(context.Context) (int64, error) {
	if !s.counted {
		return nil
	}
	return func(ctx context.Context) (n int64, err error) {
		for range aged {
			n, err = s.batch.Plain(ctx, script.Listeners, s.wakeup.Channel()).Int64()
			if !redis.HasErrorPrefix(err, "READONLY") {
				break
			}
		}
		return n, err
	}
}
