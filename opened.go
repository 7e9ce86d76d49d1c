package concurrent

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/concurrent-go/concurrent/driver"
)

// Opened is an alias whose store is open. It is for package locks, safe for
// concurrent use, and made by Registry.Open alone.
type Opened struct {
	registry *Registry
	alias    *alias
	store    driver.Store
	drainer  atomic.Pointer[Drainer]
	pings    chan struct{} // has one for each ping under way

	mu    sync.Mutex
	ended bool // Shutdown or Remove has begun
}

// Drainer is what Shutdown and Remove drain before they close the store. It is
// for package locks.
type Drainer interface {
	// Drain refuses new locks and ends waits with ErrClosed, then waits for
	// holders until ctx ends; then it ends what is left and returns, within a
	// fifth of a second, ctx's error, with the keys and holders that it waited
	// for. It is called once.
	Drain(ctx context.Context) error

	// Stats counts what happened so far. Its Alias is not set.
	Stats() AliasStats
}

// Alias returns the name of the alias.
func (o *Opened) Alias() string { return o.alias.name }

// Registry returns the registry that o is of.
func (o *Opened) Registry() *Registry { return o.registry }

// String says which alias o is of, not where its store is.
func (o *Opened) String() string { return fmt.Sprintf("concurrent.Opened of alias %q", o.alias.name) }

// GoString returns what String does.
func (o *Opened) GoString() string { return o.String() }

// Config returns the configuration of the alias. Its Lease is never 0:
// DefaultLease stands there instead.
func (o *Opened) Config() Config { return o.alias.config() }

// Store returns the store, the same each time.
func (o *Opened) Store() driver.Store { return o.store }

// Observer returns one Observer that tells all that were added to the
// registry, or nil if there is none. It costs one atomic load.
func (o *Opened) Observer() Observer { return o.registry.Observer() }

// Attach returns what the first call's make returned, the same to everybody.
// make is called once, or again after it has panicked; it must not call
// Attach. A Drainer that is attached after Shutdown or Remove has begun is
// drained at once, with a context that has ended.
func (o *Opened) Attach(make func(*Opened) Drainer) Drainer {
	if d := o.drainer.Load(); d != nil {
		return *d
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if d := o.drainer.Load(); d != nil {
		return *d
	}
	d := make(o)
	if o.ended {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = d.Drain(ctx) // ctx's error: nothing can be held yet
	}
	o.drainer.Store(&d)
	return d
}

// end marks o as ended and returns what is to be drained, or nil.
func (o *Opened) end() Drainer {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if d := o.drainer.Load(); d != nil {
		return *d
	}
	return nil
}
