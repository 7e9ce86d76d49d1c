package concurrent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/concurrent-go/concurrent/driver"
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
// draining, which name the keys that were waited for and their holders, and of
// closing. It returns a quarter of a second after the end of ctx at the latest:
// all that looks at its context is given that long to finish, to be drained and
// to be closed. What takes longer (a driver or an observer that hangs, a store
// that is still being opened) goes on in the background, and the error says so.
//
// An observer that calls it while it is told of a lock may be what holders wait
// for. With a ctx that has no deadline, Shutdown does not wait then: it returns
// an error that says so at once, and goes on in the background.
//
// From the beginning of Shutdown on, the other methods that return an error
// return one that matches driver.ErrClosed. Another Shutdown waits for the
// first one, until its own ctx ends, and returns the same.
func (r *Registry) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	if down := r.down; down != nil {
		r.mu.Unlock()
		if mayNotWait(ctx) && !isOver(down.done) {
			return fmt.Errorf("concurrent: shutdown: %w", errCalledWithin)
		}
		if !over(ctx, down.done) {
			return fmt.Errorf("concurrent: shutdown: %w", ctx.Err())
		}
		return down.err
	}
	down := &shutdown{done: make(chan struct{})}
	r.down = down
	aliases := r.load().aliases
	r.current.Store(&snapshot{aliases: aliases, closed: true})
	endings := make([]*ending, 0, len(aliases))
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		e := aliases[name].ending.Load() // of a Remove that is under way
		if e == nil {
			e = aliases[name].end(ctx, errShutDown, func() {})
		}
		endings = append(endings, e)
	}
	r.mu.Unlock()
	if mayNotWait(ctx) {
		go r.finishShutdown(ctx, down, endings)
		return fmt.Errorf("concurrent: shutdown: %w", errCalledWithin)
	}
	r.finishShutdown(ctx, down, endings)
	return down.err
}

func (r *Registry) finishShutdown(ctx context.Context, down *shutdown, endings []*ending) {
	defer close(down.done)
	down.err = waitAll(ctx, endings)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.Store(&snapshot{closed: true})
}

var errCalledWithin = errors.New("it goes on in the background: an observer that is being told of a lock can't wait without a deadline for holders, who may wait for it")

// mayNotWait reports whether waiting for holders could be waiting for the caller.
func mayNotWait(ctx context.Context) bool {
	_, bounded := ctx.Deadline()
	return !bounded && withinObserver()
}

// waitAll waits for endings. When ctx ends it cuts those short that a Remove
// began, with another context. All of them are over a grace after that.
func waitAll(ctx context.Context, endings []*ending) error {
	var errs []error
	short := false
	for _, e := range endings {
		select {
		case <-e.done:
		case <-ctx.Done():
			for _, other := range endings {
				other.cut()
			}
			<-e.done
		}
		errs = append(errs, e.err)
		short = short || e.short && ctx.Err() != nil
	}
	err := join(errs...)
	if short && !errors.Is(err, ctx.Err()) {
		err = join(fmt.Errorf("concurrent: shutdown: %w", ctx.Err()), err)
	}
	return err
}

// Remove ends the use of one alias, as Shutdown does that of all, and forgets
// it: it may be configured again when Remove has returned, whatever it returned.
// Locks of the alias then use the new store.
//
// It returns an error that matches ErrUnknownAlias, driver.ErrClosed after
// Shutdown, or what Shutdown returns. Another Remove of the alias meanwhile
// waits for the first one, until its own ctx ends, and returns the same.
func (r *Registry) Remove(ctx context.Context, alias string) error {
	e, first, err := r.beginRemove(ctx, alias)
	if err != nil {
		return err
	}
	if mayNotWait(ctx) && !isOver(e.done) {
		return fmt.Errorf("concurrent: remove alias %q: %w", alias, errCalledWithin)
	}
	if first {
		<-e.done // soon after ctx ends
		return e.err
	}
	if !over(ctx, e.done) {
		return fmt.Errorf("concurrent: remove alias %q: %w", alias, ctx.Err())
	}
	return e.err
}

// over waits until done is closed, or reports that ctx ended before.
func over(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	return isOver(done) // what has an end has it also for who comes late
}

func isOver(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// beginRemove begins to remove an alias, or returns the ending that another
// Remove began.
func (r *Registry) beginRemove(ctx context.Context, name string) (e *ending, first bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.load().aliases[name]; a != nil && r.down == nil {
		if e := a.ending.Load(); e != nil {
			return e, false, nil
		}
		refusal := fmt.Errorf("concurrent: alias %q is removed: %w", name, driver.ErrClosed)
		return a.end(ctx, refusal, func() { r.forget(a) }), true, nil
	}
	_, err = r.find(name)
	return nil, false, err
}

// forget makes the name of an alias free. Shutdown forgets them all.
func (r *Registry) forget(a *alias) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down != nil {
		return
	}
	aliases := maps.Clone(r.load().aliases)
	delete(aliases, a.name)
	r.current.Store(&snapshot{aliases: aliases})
}
