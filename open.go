package concurrent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// openWithin bounds how long opening a store may take, whoever waits for it.
const openWithin = 30 * time.Second

// Store returns the store of an alias, opening it first if need be: once, for
// all who ask. A failure is tried again by the next call. Opening goes on when
// ctx ends, for those who come after, up to half a minute.
//
// It returns ErrUnknownAlias, what the driver's Open returned
// (driver.ErrUnavailable, driver.ErrUnfit), ctx's error, or driver.ErrClosed
// after Shutdown. The store belongs to the registry: don't close it.
func (r *Registry) Store(ctx context.Context, alias string) (driver.Store, error) {
	o, err := r.Open(ctx, alias)
	if err != nil {
		return nil, err
	}
	return o.store, nil
}

// Opened is an alias whose store is open. It is for package locks.
type Opened struct {
	registry *Registry
	alias    *alias
	store    driver.Store

	mu      sync.Mutex
	drainer Drainer
}

// A Drainer is what Shutdown drains before it closes a store. It is for
// package locks.
type Drainer interface {
	// Drain refuses new locks and ends waits with driver.ErrClosed, and waits
	// until nothing is held or ctx ends; then it ends what is held and returns
	// ctx's error.
	Drain(ctx context.Context) error
}

// Alias returns the alias's name.
func (o *Opened) Alias() string { return o.alias.name }

// Config returns the alias's configuration, with its lease.
func (o *Opened) Config() Config { return o.alias.config }

// Store returns the alias's store.
func (o *Opened) Store() driver.Store { return o.store }

// Observer returns who is to be told of events, or nil.
func (o *Opened) Observer() Observer {
	if all := o.registry.observer.Load(); all != nil {
		return *all
	}
	return nil
}

// Attach returns the Drainer that the first call's make returned.
func (o *Opened) Attach(make func(*Opened) Drainer) Drainer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.drainer == nil {
		o.drainer = make(o)
	}
	return o.drainer
}

// warn tells who of the store's warnings.
func (o *Opened) warn(who Observer) {
	w, ok := o.store.(driver.Warner)
	if !ok || who == nil {
		return
	}
	for _, warning := range w.Warnings() {
		who.Observe(context.Background(), Event{Kind: EventStoreWarning, Alias: o.alias.name, Err: warning})
	}
}

// opening is one attempt to open a store, shared by all who wait for it.
type opening struct {
	done   chan struct{}
	opened *Opened
	err    error
}

// Open returns an alias with its store, as Store does. It is for package
// locks.
func (r *Registry) Open(ctx context.Context, name string) (*Opened, error) {
	a, err := r.find(name)
	if err != nil {
		return nil, err
	}
	if o := a.opened.Load(); o != nil {
		return o, nil
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	op, err := r.join(ctx, a)
	if err != nil {
		return nil, err
	}
	select {
	case <-op.done:
		return op.opened, op.err
	case <-ctx.Done():
		return nil, fmt.Errorf("concurrent: opening alias %q: %w", name, context.Cause(ctx))
	}
}

// join returns the attempt that is under way, or starts one.
func (r *Registry) join(ctx context.Context, a *alias) (*opening, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	if a.opening != nil {
		return a.opening, nil
	}
	op := &opening{done: make(chan struct{})}
	if o := a.opened.Load(); o != nil {
		op.opened = o
		close(op.done)
		return op, nil
	}
	if a.connector == nil {
		op.opened = &Opened{registry: r, alias: a, store: a.config.Store}
		a.opened.Store(op.opened)
		close(op.done)
		defer op.opened.warn(op.opened.Observer())
		return op, nil
	}
	a.opening = op
	go r.open(context.WithoutCancel(ctx), a, op)
	return op, nil
}

// open makes one attempt. It is the only one of its alias at a time.
func (r *Registry) open(ctx context.Context, a *alias, op *opening) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	store, err := a.connector.Open(ctx)
	if err == nil {
		op.opened = &Opened{registry: r, alias: a, store: store}
	} else {
		op.err = fmt.Errorf("concurrent: opening alias %q: %w", a.name, err)
	}
	r.mu.Lock()
	a.opening = nil
	if op.opened != nil && r.closed {
		op.opened, op.err = nil, errClosed
	} else if op.opened != nil {
		a.opened.Store(op.opened)
	}
	r.mu.Unlock()
	switch {
	case op.opened != nil:
		op.opened.warn(op.opened.Observer())
	case store != nil && err == nil:
		_ = store.Close() // nobody got it; its caller hears of the shutdown
	}
	close(op.done)
}
