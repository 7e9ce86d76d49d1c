package locks

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/redact"
)

// Info is what the store knows of a key.
type Info struct {
	Alias   string
	Key     string   // without the alias's prefix
	Holders []Holder // empty: the key is free
	Waiters int      // how many wait for it in the store; −1: the store does not know

	// Queue is who waits for it in the store, first come first, where the store knows:
	// at most 100, one for each process that waits. Since is when each began to wait,
	// Until and Token are zero.
	Queue []Holder
}

// A Holder is who holds a lease, as it told the store. Until is its end if it
// is not renewed, and zero for a lease without end.
type Holder struct {
	Host  string
	PID   int
	Label string // see WithLabel
	Since time.Time
	Until time.Time
	Token uint64 // 0: the store has none
}

// Inspect tells who holds key and how many wait for it. A free key has no
// holders. Of the options it uses WithRegistry. It returns ErrUnsupported
// where the store can't tell, and Acquire's errors for a store that can't be
// had; without a deadline of ctx it takes five seconds at most.
//
// A lease that was handed on inside a process is shown there with its present token
// and Since; in other processes with those of the first who had it, since no store is
// told.
func Inspect(ctx context.Context, alias, key string, opts ...Option) (Info, error) {
	return lookAt(ctx, "inspect", alias, key, opts, driver.Inspector.Inspect)
}

// List yields the held keys of alias that start with prefix, in no order. A
// key that was taken or given back meanwhile may be listed or not. After an
// error it ends. Options and errors are those of Inspect.
func List(ctx context.Context, alias, prefix string, opts ...Option) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		ctx, pause, resume, free := progressing(ctx)
		defer free()
		fail := func(err error) {
			yield(Info{}, &Error{Op: "list", Alias: redact.Name(alias), Err: answered(ctx, err)})
		}
		c, err := inspected(ctx, alias, opts)
		if err != nil {
			fail(err)
			return
		}
		for info, err := range c.inspector.List(ctx, c.prefix+prefix) {
			if err != nil {
				fail(err)
				return
			}
			pause()
			holder, _ := c.lines.Holder(info.Key)
			if !yield(c.info(info, holder), nil) {
				return
			}
			resume()
		}
	}
}

// progressing returns ctx, ended callBound after the last resume if ctx has no deadline,
// but not after a pause: a listing takes as long as there is something to list, and its
// reader as long as it likes.
func progressing(ctx context.Context) (inner context.Context, pause, resume, free func()) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}, func() {}, func() {}
	}
	inner, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(callBound, func() { cancel(errUnanswered(callBound)) })
	pause = func() { timer.Stop() }
	return inner, pause, func() { timer.Reset(callBound) }, func() { pause(); cancel(nil) }
}

// Break ends every lease on key, kept ones too, and tells whom it broke. The
// holders learn of it at once where the store can tell them, else at their
// next renewal, or at the end of a lease that is not renewed: until then two
// may believe that they hold the key, and only the fencing token tells them
// apart. A free key is ErrNotHeld. Options and other errors are Inspect's.
func Break(ctx context.Context, alias, key string, opts ...Option) (Info, error) {
	return lookAt(ctx, "break", alias, key, opts, driver.Inspector.Break)
}

// lookAt has the store do something with one key, for as long as a call may take.
func lookAt(
	ctx context.Context, op, alias, key string, opts []Option,
	do func(driver.Inspector, context.Context, string) (driver.Info, error),
) (Info, error) {
	ctx, free := boundedCall(ctx)
	defer free()
	c, err := inspectedKey(ctx, alias, key, opts)
	var info driver.Info
	var holder *lease
	if err == nil {
		holder, _ = c.lines.Holder(c.prefix + key) // before somebody else gets what Break ends
		info, err = do(c.inspector, ctx, c.prefix+key)
	}
	if err != nil {
		return Info{}, &Error{Op: op, Alias: redact.Name(alias), Key: key, Err: answered(ctx, err)}
	}
	return c.info(info, holder), nil
}

// inspectedKey is inspected for one key, which with the prefix would never be
// empty.
func inspectedKey(ctx context.Context, alias, key string, opts []Option) (*client, error) {
	if key == "" {
		return nil, driver.CheckKey(key)
	}
	return inspected(ctx, alias, opts)
}

// inspected returns the client of alias if its store can be looked into.
func inspected(ctx context.Context, alias string, opts []Option) (*client, error) {
	o := newOptions(opts)
	if o.err != nil {
		return nil, o.err
	}
	c, err := open(ctx, o.registryOr(), alias)
	switch {
	case err != nil:
		return nil, err
	case c.inspector == nil:
		return nil, fmt.Errorf("%w: the store can't tell who holds its keys", ErrUnsupported)
	case c.closed.Load():
		return nil, ErrClosed
	}
	return c, nil
}

// info is what the store said, with the holder that it does not know of: one in this
// process to whom the lease was handed on, or nil.
func (c *client) info(d driver.Info, holder *lease) Info {
	info := Info{
		Alias: c.alias, Key: c.unprefixed(d.Key),
		Waiters: d.Waiters,
	}
	for _, h := range d.Holders {
		if holder != nil && holder.token >= h.Token && h.Holder.PID == pid && h.Holder.Host == host {
			h.Token, h.Holder.Label = holder.token, holder.options.label
			h.Since = time.Now().Add(-holder.heldFor())
		}
		info.Holders = append(info.Holders, holderOf(h))
	}
	for _, w := range d.Queue {
		info.Queue = append(info.Queue, holderOf(w))
	}
	return info
}

func holderOf(h driver.Held) Holder {
	return Holder{
		Host: h.Holder.Host, PID: h.Holder.PID, Label: h.Holder.Label,
		Since: h.Since, Until: h.Until, Token: h.Token,
	}
}
