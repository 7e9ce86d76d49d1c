package locks

import (
	"context"
	"time"
)

// A releaseWindow is a context for releases that begin at about one time, so
// that each need not have a timer of its own.
type releaseWindow struct {
	context.Context
	cancel context.CancelFunc
	until  int64 // releases that begin later need another one
}

const (
	releaseBound  = 5 * time.Second
	releaseWithin = 100 * time.Millisecond
)

// A detached context has a window's end and its caller's values.
type detached struct {
	context.Context
	values context.Context
}

func (d detached) Value(key any) any {
	if v := d.values.Value(key); v != nil {
		return v
	}
	return d.Context.Value(key)
}

// detach returns a context that does not end with ctx but after five seconds
// (up to a tenth of a second less): a release must reach the store also when
// its caller was cancelled.
func (sp *space) detach(ctx context.Context, now int64) context.Context {
	w := sp.releasing.Load()
	if w == nil || now > w.until {
		inner, cancel := context.WithTimeout(context.Background(), releaseBound)
		w = &releaseWindow{Context: inner, cancel: cancel, until: now + int64(releaseWithin)}
		sp.releasing.Store(w)
	}
	if ctx == context.Background() { // has no values
		return w.Context
	}
	return detached{w.Context, ctx}
}
