package batch

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// A call that finds a worker free need not be handed to another goroutine, which
// costs as much as the server does: its caller sends it and reads the reply.
//
// Then the caller is deaf to its context: go-redis waits for a reply until its
// deadline. So this is for servers that answer soon: after a slow answer no call
// is made inline as long as the workers find the server slow, and a second more.
// After the deadline its connection goes on waiting, and hears the end of the
// context (see wire): only connections that we made can do that.
//
// Nor is a call whose context may end before that deadline: its connection would be given
// up with the request under way, which what is sent next, on another, might overtake. A
// worker goes on waiting, and tells when the call is over.
const inlineWithin = 250 * time.Millisecond

// learnTimeouts finds out how long the client waits for replies. Where it is never to
// give up, or not by a deadline, nobody may depend on that.
func (b *Batcher) learnTimeouts(wired bool) {
	var writeTimeout time.Duration
	switch c := b.client.(type) {
	case *redis.Client:
		b.readTimeout, writeTimeout = c.Options().ReadTimeout, c.Options().WriteTimeout
	case *redis.ClusterClient:
		b.readTimeout, writeTimeout = c.Options().ReadTimeout, c.Options().WriteTimeout
	}
	b.wired = wired && b.readTimeout >= 0 && writeTimeout >= 0
}

// enter returns a worker for a call that is to be made inline, or nil if it was
// queued.
func (b *Batcher) enter(ctx context.Context, c *Call) *worker {
	now := time.Now()
	end, ends := ctx.Deadline()
	near := b.wired && !b.slow.recent() && (!ends || end.After(now.Add(inlineWithin)))
	b.mu.Lock()
	defer b.mu.Unlock()
	if !near || b.closed || len(b.queue) > 0 || len(b.active) >= workers {
		b.queue = append(b.queue, c)
		b.startWorker()
		return nil
	}
	w := &worker{since: now, ctx: ctx, due: now.Add(inlineWithin)}
	for b.inlineOf(w.due) != nil {
		w.due = w.due.Add(1) // one deadline, one call
	}
	b.active = append(b.active, w)
	return w
}

// inlineOf returns the worker of the inline call that has a deadline. b.mu is held.
func (b *Batcher) inlineOf(due time.Time) *worker {
	for _, w := range b.active {
		if w.ctx != nil && w.due.Equal(due) {
			return w
		}
	}
	return nil
}

// patience returns until when, and as long as which context does not end, the answer
// to the inline call with a deadline is waited for after it. A time of zero is none.
func (b *Batcher) patience(due time.Time) (ctx context.Context, until time.Time, found bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.inlineOf(due)
	if w == nil {
		return nil, until, false
	}
	b.slow.note()
	if b.readTimeout > 0 {
		until = w.since.Add(b.readTimeout)
	}
	if end, ok := w.ctx.Deadline(); ok && (until.IsZero() || end.Before(until)) {
		until = end
	}
	return w.ctx, until, true
}

// inline makes one call in a worker, which goes on with those that came meanwhile.
func (b *Batcher) inline(c *Call, w *worker) {
	c.state.Store(underWay)
	b.send(due{w.ctx, w.due}, []*Call{c})
	if time.Since(w.since) > slowAfter {
		b.slow.note()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w.ctx = nil
	if len(b.queue) > 0 && !b.closed {
		w.since = time.Now()
		b.group.Go(func() { b.work(w) })
		return
	}
	b.remove(w)
}
