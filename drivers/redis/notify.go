package redis

import (
	"errors"

	"github.com/concurrent-go/concurrent/driver"
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
