package concurrent

import (
	"context"
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

	mu    sync.Mutex
	ended bool // Shutdown has begun
}

// Drainer is what Shutdown drains before it closes the store. It is for
// package locks.
type Drainer interface {
	// Drain refuses new locks and ends waits with ErrClosed, then waits for
	// holders until ctx ends; then it ends what is left and returns ctx's
	// error. It is called once.
	Drain(ctx context.Context) error

	// Stats counts what happened so far. Its Alias is not set.
	Stats() AliasStats
}

// Alias returns the name of the alias.
func (o *Opened) Alias() string { return o.alias.name }

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
// Attach. A Drainer that is attached after Shutdown has begun is drained at
// once, with a context that has ended.
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

// end marks o as shut down and returns what is to be drained, or nil.
func (o *Opened) end() Drainer {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if d := o.drainer.Load(); d != nil {
		return *d
	}
	return nil
}

// warn tells an observer what the store warns of.
func (o *Opened) warn(observer Observer) {
	w, ok := o.store.(driver.Warner)
	if !ok {
		return
	}
	for _, err := range w.Warnings() {
		observer.Observe(context.Background(), Event{Kind: EventStoreWarning, Alias: o.alias.name, Err: o.alias.scrub(err)})
	}
}

// Registry returns the registry that opened it.
func (o *Opened) Registry() *Registry { return o.registry }
