//go:build !linux

package file

import "time"

// bootTime is the store's clock. Here it is the wall clock, the one clock
// that all processes share: setting it moves the ends of leases.
func bootTime() int64 { return time.Now().UnixNano() }

// bootID is always the same where the clock runs on through a restart.
func bootID() ([16]byte, error) { return [16]byte{}, nil }
