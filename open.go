package concurrent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// openTimeout is how long a driver may take to open a store.
	openTimeout = 30 * time.Second
	// openGrace is how much longer a driver that does not look at its context
	// is waited for.
	openGrace = time.Second
)

// Store returns the opened store of an alias. The first call opens it; all
// share it, also with package locks. It is closed by Shutdown and Remove, by
// nobody else.
//
// Opening takes 30 seconds at most and is shared by those who ask meanwhile.
// It does not end with the context of any of them: a call whose ctx ends
// returns ctx's error at once and leaves the opening to the others. A failure
// is not kept: the next call tries again. Once the store is open, ctx is not
// looked at.
//
// It returns an error that matches ErrUnknownAlias, driver.ErrClosed after
// Shutdown and during Remove, ctx's error, or what driver.Connector.Open
// returned: driver.ErrUnavailable or driver.ErrUnfit. A deadline that passes
// while the store is being opened, ctx's or the 30 seconds, is
// driver.ErrUnavailable too.
func (r *Registry) Store(ctx context.Context, alias string) (driver.Store, error) {
	o, err := r.Open(ctx, alias)
	if err != nil {
		return nil, err
	}
	return o.store, nil
}

// Open returns the alias's opened store and what package locks keeps beside
// it. It returns the same errors as Store. It is for package locks.
func (r *Registry) Open(ctx context.Context, alias string) (*Opened, error) {
	a, err := r.find(alias)
	if err != nil {
		return nil, err
	}
	if o := a.opened.Load(); o != nil {
		return o, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("concurrent: open alias %q: %w", alias, err)
	}
	op, err := r.join(a)
	if err != nil {
		return nil, err
	}
	return op.wait(ctx)
}

// An openCall is one try to open a store. What it comes to is written before
// done is closed.
type openCall struct {
	alias   *alias
	cancel  context.CancelFunc
	overdue <-chan struct{} // closed when the driver should have returned
	ended   chan struct{}   // closed when the alias is ended meanwhile
	done    chan struct{}
	opened  *Opened
	err     error // for who asked for the store
	late    error // of closing a store that nobody may have any more
}

// join returns the openCall of a that is under way, or begins one.
func (r *Registry) join(a *alias) (*openCall, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := a.usable(); err != nil {
		return nil, err
	}
	if o := a.opened.Load(); o != nil {
		return arrived(o), nil
	}
	if a.opening != nil {
		return a.opening, nil
	}
	// The context is nobody's: the store is for all who ask for it.
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	overdue, late := context.WithTimeout(context.Background(), openTimeout+openGrace)
	op := &openCall{alias: a, cancel: cancel, overdue: overdue.Done(), ended: make(chan struct{}), done: make(chan struct{})}
	a.opening = op
	go func() {
		defer late()
		defer cancel()
		r.open(ctx, op)
	}()
	return op, nil
}

func arrived(o *Opened) *openCall {
	op := &openCall{done: make(chan struct{}), opened: o}
	close(op.done)
	return op
}

// wait returns what the openCall comes to, or an error as soon as ctx ends, the
// alias is ended, or the driver is overdue. A store that arrives after that is
// used by the next call.
func (op *openCall) wait(ctx context.Context) (*Opened, error) {
	select {
	case <-op.done:
		return op.opened, op.err
	case <-op.ended:
		return nil, op.alias.usable()
	case <-ctx.Done():
		return nil, fmt.Errorf("concurrent: open alias %q: %w", op.alias.name, unanswered(ctx, ctx.Err()))
	case <-op.overdue:
	}
	select {
	case <-op.done: // overdue ends with the openCall too
		return op.opened, op.err
	default:
		return nil, fmt.Errorf("concurrent: open alias %q: the driver has not answered for %v: %w",
			op.alias.name, openTimeout+openGrace, driver.ErrUnavailable)
	}
}

var errNothingOpened = errors.New("the driver returned neither a store nor an error")

// open has the driver open the store and makes it known.
func (r *Registry) open(ctx context.Context, op *openCall) {
	var store driver.Store
	err := errNothingOpened
	defer close(op.done)
	defer func() { r.finish(op, store, err) }() // also when the driver ends the goroutine
	err = op.alias.guard(func() (err error) {
		store, err = op.alias.newStore(ctx)
		return unanswered(ctx, err)
	})
	switch {
	case err != nil:
		store = nil // whatever a driver returns beside an error
	case store == nil:
		err = errNothingOpened
	default: // a store that panics here would panic in package locks
		err = op.alias.guard(func() error { store.Features(); return nil })
	}
}

func (a *alias) newStore(ctx context.Context) (driver.Store, error) {
	if a.connector == nil {
		return a.config().Store, nil
	}
	return a.connector.Open(ctx)
}

// finish makes an opened store known, or closes it if nobody may have it.
func (r *Registry) finish(op *openCall, store driver.Store, err error) {
	a := op.alias
	r.mu.Lock()
	a.opening = nil
	ended := a.usable()
	var observing []*observing
	if err == nil && ended == nil {
		op.opened = &Opened{registry: r, alias: a, store: store, pings: make(chan struct{}, maxPings)}
		a.opened.Store(op.opened)
		observing = r.observing
	}
	r.mu.Unlock()
	if op.opened != nil {
		op.opened.warnAll(observing)
		return
	}
	if store != nil {
		op.late = a.close(store)
	}
	op.err = ended
	if ended == nil {
		op.err = join(fmt.Errorf("concurrent: open alias %q: %w", a.name, a.scrub(err)), op.late)
	}
}

// close closes a store, unless it is the program's own.
func (a *alias) close(store driver.Store) error {
	if a.connector == nil {
		return nil
	}
	err := a.guard(func() error { return a.scrub(store.Close()) })
	if err != nil {
		return join(fmt.Errorf("concurrent: close alias %q: %w", a.name, err))
	}
	return nil
}
