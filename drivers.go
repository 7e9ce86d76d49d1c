package concurrent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

var (
	driversMu sync.RWMutex
	drivers   = make(map[string]driver.Driver)
)

// Register makes a driver available under a URL scheme, for every registry. It
// is called from the init function of the driver's package. It panics if d is
// nil, if scheme is not a URL scheme in lower case, or if it is taken.
func Register(scheme string, d driver.Driver) {
	driversMu.Lock()
	defer driversMu.Unlock()
	switch _, taken := drivers[scheme]; {
	case d == nil:
		panic("concurrent: Register of a nil driver for " + scheme)
	case !validScheme(scheme):
		panic(fmt.Sprintf("concurrent: Register: %q is not a URL scheme in lower case", scheme))
	case taken:
		panic("concurrent: Register called twice for " + scheme)
	}
	drivers[scheme] = d
}

// Drivers returns the registered schemes, sorted.
func Drivers() []string {
	driversMu.RLock()
	defer driversMu.RUnlock()
	return slices.Sorted(maps.Keys(drivers))
}

// driverFor returns the driver of a scheme, or an error that lists the others.
func driverFor(scheme string) (driver.Driver, error) {
	driversMu.RLock()
	d := drivers[scheme]
	driversMu.RUnlock()
	if d != nil {
		return d, nil
	}
	known := "none is registered"
	if names := Drivers(); len(names) > 0 {
		known = "registered are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("%w %q: %s; is an import missing, such as _ %q?",
		ErrUnknownDriver, scheme, known, "github.com/concurrent-go/concurrent/drivers/redis")
}

func validScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z'
		other := c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}
