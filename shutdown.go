package concurrent

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// shutdown is the first Shutdown of a registry. err is written before done is
// closed.
type shutdown struct {
	done chan struct{}
	err  error
}

// Shutdown ends the use of r. No new lock is granted and waits end with
// driver.ErrClosed at once. Holders are waited for until ctx ends; then what
// they hold is lost. After that, whatever happened, every store that r opened
// is closed, which gives back what is still held there. A Config's Store is
// left open.
//
// It returns ctx's error if something was cut short, joined with the errors of
// closing. A store that a driver is still opening when ctx ends is closed as
// soon as the driver returns it.
//
// From the beginning of Shutdown on, the other methods that return an error
// return one that matches driver.ErrClosed. Another Shutdown waits for the
// first one, until its own ctx ends, and returns the same.
func (r *Registry) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	if down := r.down; down != nil {
		r.mu.Unlock()
		select {
		case <-down.done:
			return down.err
		case <-ctx.Done():
			return fmt.Errorf("concurrent: shutdown: %w", ctx.Err())
		}
	}
	down := &shutdown{done: make(chan struct{})}
	r.down = down
	aliases := r.load().aliases
	r.known.Store(&known{closed: true})
	var openings []*opening
	for _, a := range aliases {
		if a.opening != nil {
			openings = append(openings, a.opening)
		}
	}
	r.mu.Unlock()

	defer close(down.done)
	down.err = shutDown(ctx, aliases, openings)
	return down.err
}

// shutDown ends every alias at the same time, then waits for what is still
// being opened.
func shutDown(ctx context.Context, aliases map[string]*alias, openings []*opening) error {
	for _, op := range openings {
		op.cancel()
	}
	var (
		tasks sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		cut   bool // something was cut short by ctx
	)
	for _, a := range aliases {
		o := a.opened.Load()
		if o == nil {
			continue
		}
		tasks.Go(func() {
			drained, closed := o.shutDown(ctx)
			mu.Lock()
			defer mu.Unlock()
			cut = cut || drained != nil && ctx.Err() != nil
			errs = append(errs, drained, closed)
		})
	}
	tasks.Wait()
	for _, op := range openings {
		select {
		case <-op.done:
		case <-ctx.Done():
			cut = true
		}
	}
	err := errors.Join(errs...)
	if cut && !errors.Is(err, ctx.Err()) {
		err = errors.Join(fmt.Errorf("concurrent: shutdown: %w", ctx.Err()), err)
	}
	return err
}

// shutDown drains o, then closes its store also if that failed or panicked.
func (o *Opened) shutDown(ctx context.Context) (drained, closed error) {
	defer func() { closed = o.alias.close(o.store) }()
	if d := o.end(); d != nil {
		if err := d.Drain(ctx); err != nil {
			drained = fmt.Errorf("concurrent: drain alias %q: %w", o.alias.name, err)
		}
	}
	return drained, nil
}
