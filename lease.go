package concurrent

import (
	"errors"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// forever is driver.Forever as text.
const forever = "forever"

// parseLease reads a lease as it is written in JSON and in the environment. An
// error says what is wrong and not what was written: it may be anything.
func parseLease(written string) (time.Duration, error) {
	if written == forever {
		return driver.Forever, nil
	}
	d, err := time.ParseDuration(written)
	switch {
	case err == nil:
		return d, nil
	case written != "" && strings.Trim(written, "0123456789.") == "":
		return 0, errors.New(`is a number without a unit; write one, such as "30s", or "forever"`)
	}
	return 0, errors.New(`is no duration; write a number with a unit, such as "30s", or "forever"`)
}

// leaseText is the lease as parseLease reads it, "" for 0.
func (c Config) leaseText() string {
	switch c.Lease {
	case 0:
		return ""
	case driver.Forever:
		return forever
	}
	return c.Lease.String()
}
