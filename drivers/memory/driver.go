package memory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func init() { concurrent.Register("memory", memoryDriver{}) }

type memoryDriver struct{}

// named are the backends with a name, kept as long as the process lives so
// that their tokens never start again.
var named struct {
	sync.Mutex
	backends map[string]*backend
}

// Connector takes memory://name, where name is 1 to 64 letters, digits, '-',
// '_' and '.', and memory://, and nothing else.
func (memoryDriver) Connector(u *url.URL) (driver.Connector, error) {
	switch {
	case u.Opaque != "":
		return nil, errors.New("memory: write memory://name, with two slashes")
	case u.User != nil:
		return nil, errors.New("memory: there is no user and no password")
	case u.Port() != "":
		return nil, errors.New("memory: there is no port")
	case u.Path != "":
		return nil, fmt.Errorf("memory: a name has no slash: write memory://name without %q", u.Path)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("memory: there are no parameters")
	case u.Fragment != "":
		return nil, errors.New("memory: there is no fragment")
	case !validName(u.Host):
		return nil, fmt.Errorf("memory: a name is up to 64 letters, digits, '-', '_' and '.'; is %q", u.Host)
	}
	return connector(u.Host), nil
}

func validName(s string) bool {
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(s) <= 64
}

// A connector opens the backend of its name, or a new one without a name.
type connector string

func (c connector) Open(ctx context.Context) (driver.Store, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if c == "" {
		return New(), nil
	}
	named.Lock()
	defer named.Unlock()
	b := named.backends[string(c)]
	if b == nil {
		if named.backends == nil {
			named.backends = make(map[string]*backend)
		}
		b = newBackend()
		named.backends[string(c)] = b
	}
	return &Store{backend: b}, nil
}

// New returns a store that shares its locks with nobody.
func New() *Store { return &Store{backend: newBackend()} }
