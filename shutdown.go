package concurrent

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Shutdown refuses new locks and ends waits with driver.ErrClosed, waits until
// no lock is held or ctx ends, and closes the stores that the registry opened.
// Locks that are held when ctx ends are lost, and Shutdown returns ctx's
// error, joined with those of closing. The registry can't be used again.
// Shutting down again does nothing.
func (r *Registry) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	var opened []*Opened
	var under []*opening
	for _, a := range r.aliases {
		if o := a.opened.Load(); o != nil {
			opened = append(opened, o)
		}
		if a.opening != nil {
			under = append(under, a.opening)
		}
	}
	clear(r.aliases)
	r.mu.Unlock()

	errs := make([]error, len(opened))
	var wg sync.WaitGroup
	for i, o := range opened {
		wg.Go(func() { errs[i] = o.shutdown(ctx) })
	}
	wg.Wait()
	for _, op := range under {
		select {
		case <-op.done:
		case <-ctx.Done():
			errs = append(errs, context.Cause(ctx)) // open closes the store when it arrives
		}
	}
	return errors.Join(errs...)
}

// shutdown drains the alias and closes its store.
func (o *Opened) shutdown(ctx context.Context) error {
	o.mu.Lock()
	if o.drainer == nil {
		o.drainer = nothing{} // whoever attaches from now on finds it drained
	}
	d := o.drainer
	o.mu.Unlock()
	var errs []error
	if err := d.Drain(ctx); err != nil {
		errs = append(errs, fmt.Errorf("concurrent: alias %q: locks were still held: %w", o.alias.name, err))
	}
	if o.alias.connector != nil {
		if err := o.store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("concurrent: alias %q: %w", o.alias.name, err))
		}
	}
	return errors.Join(errs...)
}

type nothing struct{}

func (nothing) Drain(context.Context) error { return nil }
