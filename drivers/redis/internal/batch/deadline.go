package batch

import (
	"context"
	"time"
)

// due is a context with a deadline that nothing but a connection heeds. A timer as
// that of context.WithTimeout is one more for the scheduler to wake up for, which
// costs a call as much as the server does.
type due struct {
	context.Context
	at time.Time
}

// Deadline says when the connection is to give up.
func (d due) Deadline() (time.Time, bool) { return d.at, true }

// soon is the context of a worker's inline call with the call's deadline, or its own if
// that is earlier.
func (w *worker) soon() context.Context {
	if end, ok := w.ctx.Deadline(); ok && end.Before(w.due) {
		return w.ctx
	}
	return due{w.ctx, w.due}
}
