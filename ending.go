package concurrent

import (
	"context"
	"errors"
	"fmt"
)

// An ending is the end of one alias: its locks are drained, then its store is
// closed. It has done both, or gives up, a grace after its context has ended.
type ending struct {
	refusal error              // what who asks for the alias gets from now on
	cut     context.CancelFunc // ends the drain now
	done    chan struct{}

	// Written before done is closed.
	err   error
	short bool // something was cut short by the end of the context
}

// end begins the ending of a, and calls after when it is over. Registry.mu is
// held, and a is not being ended.
func (a *alias) end(ctx context.Context, refusal error, after func()) *ending {
	ctx, cut := context.WithCancel(ctx)
	e := &ending{refusal: refusal, cut: cut, done: make(chan struct{})}
	a.ending.Store(e)
	opening, opened := a.opening, a.opened.Load()
	if opening != nil {
		opening.cancel()
		close(opening.ended)
	}
	go func() {
		defer close(e.done)
		defer cut()
		defer after()
		p := &patience{ended: ctx.Done()}
		switch {
		case opening != nil:
			e.finish(ctx, nil, opening.end(ctx, p))
		case opened != nil:
			drained := opened.drain(ctx, p)
			e.finish(ctx, drained, opened.close(ctx, p))
		}
	}()
	return e
}

// finish keeps what came of it. A Drainer may return the cause of the end of
// ctx: whoever made ctx looks for its error.
func (e *ending) finish(ctx context.Context, drained, closed error) {
	e.err = join(drained, closed)
	ended := ctx.Err()
	if ended == nil || e.err == nil {
		return
	}
	e.short = drained != nil || errors.Is(closed, ended)
	if e.short && !errors.Is(e.err, ended) {
		e.err = join(fmt.Errorf("concurrent: cut short: %w", ended), e.err)
	}
}

// end waits until a store that is being opened was closed again.
func (op *openCall) end(ctx context.Context, p *patience) error {
	if _, ok := await(p, op.done, 0); !ok {
		return fmt.Errorf("concurrent: close alias %q: %s is still opening the store, which is closed in the background when it comes: %w",
			op.alias.name, op.alias.origin, ctx.Err())
	}
	return op.late
}

// drain ends the locks. It runs beside its caller: nobody waits for a Drainer,
// a store or an Observer that hangs.
func (o *Opened) drain(ctx context.Context, p *patience) error {
	err, ok := await(p, inBackground(func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = o.alias.scrub(panicked("it", p))
			}
		}()
		if d := o.end(); d != nil {
			return o.alias.scrub(d.Drain(ctx))
		}
		return nil
	}), graceToClose)
	if !ok {
		err = fmt.Errorf("it goes on in the background: %w", ctx.Err())
	}
	if err != nil {
		return join(fmt.Errorf("concurrent: drain alias %q: %w", o.alias.name, err))
	}
	return nil
}

// close closes the store beside its caller.
func (o *Opened) close(ctx context.Context, p *patience) error {
	err, ok := await(p, inBackground(func() error { return o.alias.close(o.store) }), 0)
	switch {
	case !ok:
		return fmt.Errorf("concurrent: close alias %q: %s goes on with it in the background: %w", o.alias.name, o.alias.origin, ctx.Err())
	case err == errNoAnswer: //nolint:errorlint // never wrapped by inBackground
		return fmt.Errorf("concurrent: close alias %q: %s: %w", o.alias.name, o.alias.origin, err)
	}
	return err
}
