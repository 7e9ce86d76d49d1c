package locks

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// Info is what the store knows of a key.
type Info struct {
	Alias   string
	Key     string   // without the alias's prefix
	Holders []Holder // empty: the key is free
	Waiters int      // how many wait for it in the store; −1: the store does not know
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
// had.
func Inspect(ctx context.Context, alias, key string, opts ...Option) (Info, error) {
	sp, err := inspectedKey(ctx, alias, key, opts)
	if err != nil {
		return Info{}, &Error{Op: "inspect", Alias: alias, Key: key, Err: err}
	}
	info, err := sp.inspector.Inspect(ctx, sp.prefix+key)
	if err != nil {
		return Info{}, &Error{Op: "inspect", Alias: alias, Key: key, Err: err}
	}
	return sp.info(info), nil
}

// List yields the held keys of alias that start with prefix, in no order. A
// key that was taken or given back meanwhile may be listed or not. After an
// error it ends. Options and errors are those of Inspect.
func List(ctx context.Context, alias, prefix string, opts ...Option) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		sp, err := inspected(ctx, alias, opts)
		if err != nil {
			yield(Info{}, &Error{Op: "list", Alias: alias, Err: err})
			return
		}
		for info, err := range sp.inspector.List(ctx, sp.prefix+prefix) {
			if err != nil {
				yield(Info{}, &Error{Op: "list", Alias: alias, Err: err})
				return
			}
			if !yield(sp.info(info), nil) {
				return
			}
		}
	}
}

// Break ends every lease on key, kept ones too, and tells whom it broke. The
// holders learn of it at once where the store can tell them, else at their
// next renewal, or at the end of a lease that is not renewed: until then two
// may believe that they hold the key, and only the fencing token tells them
// apart. A free key is ErrNotHeld. Options and other errors are Inspect's.
func Break(ctx context.Context, alias, key string, opts ...Option) (Info, error) {
	sp, err := inspectedKey(ctx, alias, key, opts)
	if err != nil {
		return Info{}, &Error{Op: "break", Alias: alias, Key: key, Err: err}
	}
	info, err := sp.inspector.Break(ctx, sp.prefix+key)
	if err != nil {
		return Info{}, &Error{Op: "break", Alias: alias, Key: key, Err: err}
	}
	return sp.info(info), nil
}

// inspectedKey is inspected for one key, which with the prefix would never be
// empty.
func inspectedKey(ctx context.Context, alias, key string, opts []Option) (*space, error) {
	if key == "" {
		return nil, driver.CheckKey(key)
	}
	return inspected(ctx, alias, opts)
}

// inspected returns the space of alias if its store can be looked into.
func inspected(ctx context.Context, alias string, opts []Option) (*space, error) {
	s := settle(opts)
	if s.err != nil {
		return nil, s.err
	}
	r := s.registry
	if r == nil {
		r = concurrent.Default()
	}
	sp, err := open(ctx, r, alias)
	switch {
	case err != nil:
		return nil, err
	case sp.inspector == nil:
		return nil, fmt.Errorf("%w: the store can't tell who holds its keys", ErrUnsupported)
	case sp.closed.Load():
		return nil, ErrClosed
	}
	return sp, nil
}

func (sp *space) info(d driver.Info) Info {
	info := Info{
		Alias: sp.alias, Key: strings.TrimPrefix(d.Key, sp.prefix),
		Waiters: d.Waiters,
	}
	for _, h := range d.Holders {
		info.Holders = append(info.Holders, Holder{
			Host: h.Holder.Host, PID: h.Holder.PID, Label: h.Holder.Label,
			Since: h.Since, Until: h.Until, Token: h.Token,
		})
	}
	return info
}
