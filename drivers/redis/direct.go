package redis

import (
	"context"
	"sync/atomic"
	"time"
)

// A call that finds a lane free need not be handed to another goroutine, which
// costs as much as the server does: its caller sends it and reads the reply.
//
// Then the caller is deaf to its context: go-redis waits for a reply until its
// deadline. So this is for servers that answer soon: after a slow answer no call
// is made directly as long as the lanes find the server slow, and a second more.
// A call that the deadline ended is made anew, by a lane. Since it may have been
// carried out, the second answer says less; so the deadline is one that a busy
// machine meets.
const (
	slowAfter    = 25 * time.Millisecond
	directWithin = 250 * time.Millisecond
	directAgain  = time.Second
)

// A slowness says when a call last took too long to be made directly.
type slowness struct{ at atomic.Int64 }

func (s *slowness) note() { s.at.Store(int64(time.Since(base)) + 1) }

func (s *slowness) recent() bool {
	at := s.at.Load()
	return at != 0 && int64(time.Since(base))-at < int64(directAgain)
}

// enter returns a lane for a call that is to be made directly, or nil if it was
// queued.
func (b *batcher) enter(c *call) *lane {
	near := b.deadlines && !b.slow.recent()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !near || b.closed || len(b.queue) > 0 || len(b.active) >= lanes {
		b.queue = append(b.queue, c)
		b.start()
		return nil
	}
	l := &lane{since: time.Now()}
	b.active = append(b.active, l)
	return l
}

// direct makes one call in a lane, which goes on with those that came meanwhile.
func (b *batcher) direct(ctx context.Context, c *call, l *lane) {
	c.state.Store(under)
	b.send(soon(ctx), []*call{c})
	if time.Since(l.since) > slowAfter {
		b.slow.note()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 && !b.closed {
		l.since = time.Now()
		b.group.Go(func() { b.run(l) })
		return
	}
	b.drop(l)
}

// due is a context with a deadline that nothing but a connection heeds. A timer as
// that of context.WithTimeout is one more for the scheduler to wake up for, which
// costs a call as much as the server does.
type due struct {
	context.Context
	at time.Time
}

// Deadline says when the connection is to give up.
func (d due) Deadline() (time.Time, bool) { return d.at, true }

// soon is ctx for a call that is to be over within directWithin.
func soon(ctx context.Context) context.Context {
	at := time.Now().Add(directWithin)
	if end, ok := ctx.Deadline(); ok && end.Before(at) {
		return ctx
	}
	return due{ctx, at}
}
