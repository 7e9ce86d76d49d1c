package redis

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A call that finds a lane free need not be handed to another goroutine, which
// costs as much as the server does: its caller sends it and reads the reply.
//
// Then the caller is deaf to its context: go-redis waits for a reply until its
// deadline. So this is for servers that answer soon: after a slow answer no call
// is made directly as long as the lanes find the server slow, and a second more.
// After the deadline its connection goes on waiting, and hears the end of the
// context (see wire): only connections that we made can do that.
const (
	slowAfter    = 25 * time.Millisecond
	directWithin = 250 * time.Millisecond
	directAgain  = time.Second
)

// learnTimeouts finds out how long the client waits for replies. Where it is never to
// give up, or not by a deadline, nobody may depend on that.
func (b *batcher) learnTimeouts(own bool) {
	var write time.Duration
	switch c := b.client.(type) {
	case *redis.Client:
		b.readTimeout, write = c.Options().ReadTimeout, c.Options().WriteTimeout
	case *redis.ClusterClient:
		b.readTimeout, write = c.Options().ReadTimeout, c.Options().WriteTimeout
	}
	b.wired = own && b.readTimeout >= 0 && write >= 0
}

// A slowness says when a call last took too long to be made directly.
type slowness struct{ at atomic.Int64 }

func (s *slowness) note() { s.at.Store(int64(time.Since(base)) + 1) }

func (s *slowness) recent() bool {
	at := s.at.Load()
	return at != 0 && int64(time.Since(base))-at < int64(directAgain)
}

// enter returns a lane for a call that is to be made directly, or nil if it was
// queued.
func (b *batcher) enter(ctx context.Context, c *call) *lane {
	near := b.wired && !b.slow.recent()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !near || b.closed || len(b.queue) > 0 || len(b.active) >= lanes {
		b.queue = append(b.queue, c)
		b.start()
		return nil
	}
	now := time.Now()
	l := &lane{since: now, ctx: ctx, due: now.Add(directWithin)}
	for b.directOf(l.due) != nil {
		l.due = l.due.Add(1) // one deadline, one call
	}
	b.active = append(b.active, l)
	return l
}

// directOf returns the lane of the direct call that has a deadline. b.mu is held.
func (b *batcher) directOf(due time.Time) *lane {
	for _, l := range b.active {
		if l.ctx != nil && l.due.Equal(due) {
			return l
		}
	}
	return nil
}

// patience returns until when, and as long as which context does not end, the answer
// to the direct call with a deadline is waited for after it. A time of zero is none.
func (b *batcher) patience(due time.Time) (ctx context.Context, until time.Time, found bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.directOf(due)
	if l == nil {
		return nil, until, false
	}
	b.slow.note()
	if b.readTimeout > 0 {
		until = l.since.Add(b.readTimeout)
	}
	if end, ok := l.ctx.Deadline(); ok && (until.IsZero() || end.Before(until)) {
		until = end
	}
	return l.ctx, until, true
}

// direct makes one call in a lane, which goes on with those that came meanwhile.
func (b *batcher) direct(c *call, l *lane) {
	c.state.Store(under)
	b.send(l.soon(), []*call{c})
	if time.Since(l.since) > slowAfter {
		b.slow.note()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l.ctx = nil
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

// soon is the context of a lane's direct call with the call's deadline, or its own if
// that is earlier.
func (l *lane) soon() context.Context {
	if end, ok := l.ctx.Deadline(); ok && end.Before(l.due) {
		return l.ctx
	}
	return due{l.ctx, l.due}
}
