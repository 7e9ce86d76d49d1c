package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

// maxName is the length of the longest name, in bytes.
const maxName = 64

// memoryDriver takes memory://name, where name is 1 to 64 letters, digits,
// '-', '_' and '.', and memory://, and nothing else.
type memoryDriver struct{}

func (memoryDriver) Connector(u *url.URL) (driver.Connector, error) {
	if err := checkURL(u); err != nil {
		return nil, fmt.Errorf("memory: %w: write memory://name, or memory:// for a private store", err)
	}
	return connector(u.Host), nil
}

// checkURL says which part of u is wrong. It quotes no part that may hold what
// was meant to be secret.
func checkURL(u *url.URL) error {
	host, _, port := strings.Cut(u.Host, ":")
	switch {
	case u.Opaque != "":
		return errors.New("the URL has no // before the name")
	case u.User != nil:
		return errors.New("the URL has a user, but a memory store has none")
	case port:
		return errors.New("the URL has a port, but a memory store has none")
	case u.Path != "":
		return errors.New("the URL has a path, but the name of a memory store has no slash")
	case u.RawQuery != "":
		return checkQuery(u.RawQuery)
	case u.ForceQuery:
		return errors.New("the URL ends in ?, but a memory store has no parameters")
	case u.Fragment != "":
		return errors.New("the URL has a fragment, but a memory store has none")
	case len(host) > maxName:
		return fmt.Errorf("the name is %d bytes, but may be at most %d", len(host), maxName)
	case strings.ContainsFunc(host, notInNames):
		return fmt.Errorf("the name %q has more than letters, digits, '-', '_' and '.'", host)
	}
	return nil
}

func checkQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil || len(query) == 0 {
		return errors.New("the URL has a malformed query, and a memory store has no parameters")
	}
	first := slices.Min(slices.Collect(maps.Keys(query)))
	return fmt.Errorf("the parameter %q is unknown: a memory store has none", first)
}

func notInNames(c rune) bool {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	return !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
}

// A connector opens the backend of its name, or a new one without a name.
type connector string

func (c connector) Open(ctx context.Context) (driver.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c == "" {
		return New(), nil
	}
	return &Store{backend: named.open(string(c))}, nil
}

// named are the backends with a name. They stay as long as the process lives:
// the tokens of a name must never start again.
var named registry

type registry struct {
	mu       sync.Mutex
	backends map[string]*backend
}

func (r *registry) open(name string) *backend {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.backends[name]
	if b == nil {
		if r.backends == nil {
			r.backends = make(map[string]*backend)
		}
		b = newBackend()
		r.backends[name] = b
	}
	return b
}

// New returns a store that shares its locks with nobody. It opens nothing, and
// an unused one needs no Close.
func New() *Store { return &Store{backend: newBackend()} }
