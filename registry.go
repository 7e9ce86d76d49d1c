package concurrent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/concurrent-go/concurrent/driver"
)

// A Registry has aliases, the stores that were opened for them, and observers.
// It is safe for concurrent use. Most programs use the default one, through
// the functions of this package.
type Registry struct {
	observer atomic.Pointer[observers]

	mu      sync.RWMutex
	aliases map[string]*alias
	closed  bool
}

// An alias is one configured name, and its store once that was opened.
type alias struct {
	name      string
	config    Config
	connector driver.Connector // nil where config has the store
	opened    atomic.Pointer[Opened]
	opening   *opening // guarded by the registry's mu
}

// NewRegistry returns a registry without aliases.
func NewRegistry() *Registry { return &Registry{aliases: make(map[string]*alias)} }

var defaultRegistry = NewRegistry()

// Default returns the registry that the functions of this package use.
func Default() *Registry { return defaultRegistry }

// Configure adds aliases: all of them, or none if one is wrong. It does no
// I/O. A name that is there already, a URL that the driver refuses, and
// anything else that can't be right is ErrInvalidConfig; a URL without a
// registered driver is ErrUnknownDriver. After Shutdown it is
// driver.ErrClosed.
func (r *Registry) Configure(as Aliases) error {
	added := make(map[string]*alias, len(as))
	for _, name := range slices.Sorted(maps.Keys(as)) {
		c, connector, err := as[name].check(name)
		if err != nil {
			return err
		}
		added[name] = &alias{name: name, config: c, connector: connector}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed
	}
	for name := range added {
		if r.aliases[name] != nil {
			return refuse(name, "it is configured already, as %v", r.aliases[name].config)
		}
	}
	maps.Copy(r.aliases, added)
	return nil
}

// MustConfigure is Configure that panics on an error, for init functions.
func (r *Registry) MustConfigure(as Aliases) {
	if err := r.Configure(as); err != nil {
		panic(err)
	}
}

// Observe adds an observer, which is told from now on. It panics if o is nil.
// Warnings of stores that are open already are told to it at once.
func (r *Registry) Observe(o Observer) {
	if o == nil {
		panic("concurrent: Observe of a nil Observer")
	}
	r.mu.Lock()
	var all observers
	if old := r.observer.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = append(all, o)
	r.observer.Store(&all)
	var opened []*Opened
	for _, a := range r.aliases {
		if op := a.opened.Load(); op != nil {
			opened = append(opened, op)
		}
	}
	r.mu.Unlock()
	for _, op := range opened {
		op.warn(o)
	}
}

// find returns a configured alias, or an error that says how to configure one.
func (r *Registry) find(name string) (*alias, error) {
	r.mu.RLock()
	a, closed, names := r.aliases[name], r.closed, []string(nil)
	if a == nil {
		names = slices.Sorted(maps.Keys(r.aliases))
	}
	r.mu.RUnlock()
	switch {
	case closed:
		return nil, errClosed
	case a != nil:
		return a, nil
	case len(names) == 0:
		return nil, fmt.Errorf("%w %q: none is configured; write concurrent.MustConfigure(concurrent.Aliases{%q: {URL: %q}})",
			ErrUnknownAlias, name, name, "memory://")
	}
	return nil, fmt.Errorf("%w %q: configured are %s", ErrUnknownAlias, name, strings.Join(names, ", "))
}

var errClosed = fmt.Errorf("concurrent: the registry was shut down: %w", driver.ErrClosed)

// Configure adds aliases to the default registry: see Registry.Configure.
func Configure(as Aliases) error { return defaultRegistry.Configure(as) }

// MustConfigure is Configure that panics on an error.
func MustConfigure(as Aliases) { defaultRegistry.MustConfigure(as) }

// Store returns the store of an alias of the default registry: see
// Registry.Store.
func Store(ctx context.Context, alias string) (driver.Store, error) {
	return defaultRegistry.Store(ctx, alias)
}

// Observe adds an observer to the default registry.
func Observe(o Observer) { defaultRegistry.Observe(o) }

// ConfigureEnv adds the aliases that the environment names to the default
// registry: see Registry.ConfigureEnv.
func ConfigureEnv() error { return defaultRegistry.ConfigureEnv() }

// Shutdown shuts the default registry down: see Registry.Shutdown.
func Shutdown(ctx context.Context) error { return defaultRegistry.Shutdown(ctx) }
