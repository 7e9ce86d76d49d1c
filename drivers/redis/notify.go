package redis

import "github.com/concurrent-go/concurrent/driver"

// NotifyLost has f called for every lease of this store that is broken. Who
// breaks one sends a message to its holder's store. A lease that goes with the
// server's data is noticed when it is extended.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) { return s.losses.Add(f) }
