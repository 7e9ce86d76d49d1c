package concurrent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// pingTimeout bounds a Ping whose ctx has no deadline, and how long it
	// tries to give its key back.
	pingTimeout = 5 * time.Second
	// maxPings is how many pings of one alias are under way: where a driver
	// hangs, those that come every few seconds must not pile up.
	maxPings = 8
)

// Ping returns nil if locks can be had on an alias now. It opens the store if
// nobody has, then asks it: a driver.Pinger by its Ping, others by a lease on
// a random key, behind the alias's prefix, which is given back at once.
//
// It returns what Store and the store's TryAcquire return: an error that
// matches ErrUnknownAlias, driver.ErrClosed, driver.ErrUnavailable or
// driver.ErrUnfit, or ctx's error, as soon as ctx ends. A deadline of ctx that
// passes meanwhile is driver.ErrUnavailable too. Without a deadline in ctx it
// takes five seconds at most, and is driver.ErrUnavailable then.
func (r *Registry) Ping(ctx context.Context, alias string) error {
	if _, ok := ctx.Deadline(); !ok {
		bounded, cancel := context.WithTimeoutCause(ctx, pingTimeout, errPingBound)
		defer cancel()
		ctx = bounded
	}
	o, err := r.Open(ctx, alias)
	if err != nil {
		return err
	}
	if err = ctx.Err(); err == nil {
		select {
		case o.pings <- struct{}{}:
			err = o.ping(ctx)
		case <-ctx.Done():
			err = ctx.Err()
		}
		err = unanswered(ctx, err)
	}
	if err != nil {
		return join(fmt.Errorf("concurrent: ping alias %q: %w", alias, o.alias.scrub(err)))
	}
	return nil
}

// errPingBound is the end of a Ping that its caller did not bound.
var errPingBound = fmt.Errorf("no answer for %v: %w", pingTimeout, driver.ErrUnavailable)

// ping asks the store in a goroutine of its own, which takes one out of o.pings
// when the store has answered, however late.
func (o *Opened) ping(ctx context.Context) error {
	answer := make(chan error, 1)
	go func() {
		defer func() { <-o.pings }()
		p := &probe{store: o.store, prefix: o.alias.config().Prefix}
		err := errNoAnswer
		func() {
			defer func() { answer <- err }() // before what is owed is given back
			err = o.alias.guard(func() error { return p.ask(ctx) })
		}()
		if p.owes {
			_ = o.alias.guard(func() error { return p.giveBack(ctx) }) // it ends by itself
		}
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A probe finds out whether a store grants locks.
type probe struct {
	store   driver.Store
	prefix  string
	request driver.Request
	owes    bool // the key may be held
}

func (p *probe) ask(ctx context.Context) error {
	if pinger, ok := p.store.(driver.Pinger); ok {
		if err := pinger.Ping(ctx); !errors.Is(err, driver.ErrUnsupported) {
			return err
		}
	}
	p.request = driver.Request{
		Key:    p.prefix + "concurrent:ping:" + rand.Text(),
		Owner:  rand.Text(),
		Lease:  max(p.store.Features().MinLease, time.Second),
		Holder: driver.Holder{Label: "ping"},
	}
	p.owes = true
	if _, err := p.store.TryAcquire(ctx, p.request); err != nil {
		p.owes = !refused(err)
		return err
	}
	return p.giveBack(ctx)
}

// refused reports whether it is certain that nothing was granted.
func refused(err error) bool {
	return errors.Is(err, driver.ErrHeld) || errors.Is(err, driver.ErrInvalidRequest) ||
		errors.Is(err, driver.ErrUnsupported) || errors.Is(err, driver.ErrClosed)
}

// giveBack ends the lease, also when ctx has ended.
func (p *probe) giveBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	err := p.store.Release(ctx, p.request)
	if err == nil || errors.Is(err, driver.ErrNotHeld) {
		p.owes = false
		return nil
	}
	return err
}
