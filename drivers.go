package concurrent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/spelling"
)

var drivers = struct {
	sync.RWMutex
	byScheme map[string]driver.Driver
}{byScheme: make(map[string]driver.Driver)}

// Register makes a driver known under the scheme of its URLs, to every
// Registry of the process. Drivers call it from init. The scheme is written in
// lower case: a letter, then letters, digits, "+", "-" and ".".
//
// It panics if d is nil, if the scheme is not one, or if it is taken.
func Register(scheme string, d driver.Driver) {
	if d == nil {
		panic(fmt.Sprintf("concurrent: Register of %q with a nil driver", scheme))
	}
	if !validScheme(scheme) {
		panic(fmt.Sprintf("concurrent: Register of %q: a scheme is a lower-case letter, then lower-case letters, digits, +, - and .", scheme))
	}
	drivers.Lock()
	defer drivers.Unlock()
	if _, taken := drivers.byScheme[scheme]; taken {
		panic(fmt.Sprintf("concurrent: Register called twice for scheme %q", scheme))
	}
	drivers.byScheme[scheme] = d
}

// Drivers returns the schemes that drivers are registered for, sorted.
func Drivers() []string {
	drivers.RLock()
	defer drivers.RUnlock()
	return slices.Sorted(maps.Keys(drivers.byScheme))
}

// findDriver returns the driver of a scheme, or an error that matches
// ErrUnknownDriver.
func findDriver(scheme string) (driver.Driver, error) {
	drivers.RLock()
	d, ok := drivers.byScheme[scheme]
	drivers.RUnlock()
	if ok {
		return d, nil
	}
	registered := Drivers()
	have := "none is registered"
	if len(registered) > 0 {
		have = "registered are " + strings.Join(registered, ", ")
	}
	return nil, fmt.Errorf("%w %q: %s%s; %s", ErrUnknownDriver, scheme, have,
		spelling.Hint(scheme, registered), importHint(scheme))
}

// importHint asks about a forgotten import, by its name where the scheme is of
// a driver that comes with this module.
func importHint(scheme string) string {
	name := "redis"
	asked := `is an import forgotten, such as`
	if own, ok := ownDrivers[scheme]; ok {
		name, asked = own, `is this import forgotten:`
	}
	return fmt.Sprintf(`%s _ "github.com/concurrent-go/concurrent/drivers/%s"?`, asked, name)
}

// ownDrivers says in which package of this module a scheme's driver is.
var ownDrivers = map[string]string{
	"memory": "memory", "file": "file",
	"redis": "redis", "rediss": "redis", "redis+unix": "redis", "valkey": "redis", "valkeys": "redis",
	"postgres": "postgres", "postgresql": "postgres",
	"etcd": "etcd", "etcds": "etcd",
}

func validScheme(s string) bool {
	for i, c := range s {
		switch {
		case 'a' <= c && c <= 'z':
		case i > 0 && ('0' <= c && c <= '9' || strings.ContainsRune("+-.", c)):
		default:
			return false
		}
	}
	return s != ""
}
