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
