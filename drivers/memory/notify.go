package memory

import "github.com/concurrent-go/concurrent/driver"

// NotifyLost has f called for every lease of this store that is broken. That is
// the only way to lose one before its end: here is no server that could go.
func (s *Store) NotifyLost(f func(driver.Loss)) (stop func()) { return s.losses.Add(f) }
