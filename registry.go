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
	"github.com/concurrent-go/concurrent/internal/defaultregistry"
	"github.com/concurrent-go/concurrent/internal/redact"
	"github.com/concurrent-go/concurrent/internal/spelling"
)

// A Registry knows aliases, opens their stores, and tells observers what
// happens on them. The zero Registry knows no alias and is ready for use. It is
// safe for concurrent use and must not be copied.
type Registry struct {
	// current is replaced as a whole by whoever holds mu, so that looking an
	// alias up needs no lock.
	current  atomic.Pointer[snapshot]
	observed atomic.Pointer[Observer]

	mu        sync.Mutex
	observing []*observing
	down      *shutdown // set by the first Shutdown
}

// A snapshot is what a registry knows at a time. It never changes.
type snapshot struct {
	aliases map[string]*alias
	closed  bool // Shutdown has begun
}

// An alias is a checked configuration and, once it is open, its store. What
// has secrets is behind functions: fmt prints the unexported fields of whatever
// struct comes to hold an alias, and never calls their methods.
type alias struct {
	name      string
	origin    string // who answers for the store, for people to read
	config    func() Config
	connector driver.Connector      // nil if the store is the program's own
	scrub     func(err error) error // removes the URL's secrets from an error
	opened    atomic.Pointer[Opened]
	ending    atomic.Pointer[ending] // set once, with Registry.mu held
	opening   *openCall              // guarded by Registry.mu
}

var defaultRegistry atomic.Pointer[Registry]

func init() {
	defaultRegistry.Store(NewRegistry())
	defaultregistry.Swap = func(r any) any { return defaultRegistry.Swap(r.(*Registry)) }
}

// Default returns the Registry that the functions of this package work on, and
// package locks where it is given no other.
func Default() *Registry { return defaultRegistry.Load() }

// NewRegistry returns a Registry that knows no alias. Drivers are registered
// for all of them.
func NewRegistry() *Registry { return new(Registry) }

// Configure adds aliases to those that are known, all of them or, on an error,
// none. It does no I/O: a store that can't be reached is found when it is
// opened.
//
// It returns an error that matches ErrInvalidConfig, for a name that is taken
// too; ErrUnknownDriver if no driver is registered for a URL's scheme; or
// driver.ErrClosed after Shutdown. The error tells everything that is wrong,
// not only the first.
func (r *Registry) Configure(as Aliases) error {
	added, err := as.compile()
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.load()
	if before.closed {
		return errShutDown
	}
	if err != nil {
		return err
	}
	after := maps.Clone(before.aliases)
	if after == nil {
		after = added
	}
	for _, name := range slices.Sorted(maps.Keys(added)) {
		if other, taken := before.aliases[name]; taken {
			if other.ending.Load() != nil {
				return invalid("alias %q is still being removed; configure it when Remove has returned", name)
			}
			return invalid("alias %q is configured already; give this one another name", name)
		}
		after[name] = added[name]
	}
	r.current.Store(&snapshot{aliases: after})
	return nil
}

// MustConfigure is Configure, and panics on an error. It is for init and main.
func (r *Registry) MustConfigure(as Aliases) {
	if err := r.Configure(as); err != nil {
		panic(err)
	}
}

func (r *Registry) load() *snapshot {
	if s := r.current.Load(); s != nil {
		return s
	}
	return &unconfigured
}

var unconfigured snapshot

// find returns an alias, or an error that matches ErrUnknownAlias or
// driver.ErrClosed.
func (r *Registry) find(name string) (*alias, error) {
	s := r.load()
	if s.closed {
		return nil, errShutDown
	}
	if a := s.aliases[name]; a != nil {
		return a, a.usable()
	}
	if len(s.aliases) == 0 {
		return nil, fmt.Errorf(`%w %s: none is configured; write concurrent.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})`,
			ErrUnknownAlias, redact.Quoted(name))
	}
	names := slices.Sorted(maps.Keys(s.aliases))
	return nil, fmt.Errorf("%w %s: configured are %s%s", ErrUnknownAlias, redact.Quoted(name),
		strings.Join(names, ", "), spelling.Hint(name, names))
}

// usable returns an error that matches driver.ErrClosed if a is being ended.
func (a *alias) usable() error {
	if e := a.ending.Load(); e != nil {
		return e.refusal
	}
	return nil
}

// String says how many aliases r knows, not where their stores are.
func (r *Registry) String() string {
	return fmt.Sprintf("concurrent.Registry with %d aliases", len(r.load().aliases))
}

// Configure is Registry.Configure of Default.
func Configure(as Aliases) error { return Default().Configure(as) }

// MustConfigure is Registry.MustConfigure of Default.
func MustConfigure(as Aliases) { Default().MustConfigure(as) }

// ConfigureEnv is Registry.ConfigureEnv of Default.
func ConfigureEnv() error { return Default().ConfigureEnv() }

// Store is Registry.Store of Default.
func Store(ctx context.Context, alias string) (driver.Store, error) {
	return Default().Store(ctx, alias)
}

// Ping is Registry.Ping of Default.
func Ping(ctx context.Context, alias string) error { return Default().Ping(ctx, alias) }

// Remove is Registry.Remove of Default.
func Remove(ctx context.Context, alias string) error { return Default().Remove(ctx, alias) }

// Stats is Registry.Stats of Default.
func Stats() []AliasStats { return Default().Stats() }

// Observe is Registry.Observe of Default.
func Observe(o Observer) (remove func()) { return Default().Observe(o) }

// Shutdown is Registry.Shutdown of Default.
func Shutdown(ctx context.Context) error { return Default().Shutdown(ctx) }
