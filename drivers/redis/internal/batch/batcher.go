package batch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Batcher sends calls to the server of a client. It is used once Start has returned,
// and then safe for concurrent use.
type Batcher struct {
	client redis.UniversalClient
	wired  bool        // its connections are wires, which heed the deadlines of contexts
	share  atomic.Bool // a script's run may have many keys
	slow   slowDetector
	sticky stickyConn
	// readTimeout is how long client waits for a reply, 0 for ever.
	readTimeout time.Duration

	mu     sync.Mutex
	queue  []*Call
	active []*worker
	watch  *time.Timer
	armed  bool
	closed bool
	group  sync.WaitGroup
}

// Start has the batcher use client; wired says that all of its connections were made
// with Wire.
func (b *Batcher) Start(client redis.UniversalClient, wired bool) {
	b.client = client
	b.learnTimeouts(wired)
	one, ok := client.(*redis.Client)
	b.share.Store(ok) // the nodes of a cluster share no keys
	if ok && wired && one.Options().PoolSize > 1 {
		b.sticky.client = one
	}
}

// Do has c sent, and waits until it is over or ctx ends, when it reports whether c may
// have left. Unless c is over, the error is why it was not waited for.
func (b *Batcher) Do(ctx context.Context, c *Call) (left bool, err error) {
	if w := b.enter(ctx, c); w != nil {
		b.inline(c, w)
		return true, c.Err
	}
	err = b.Await(ctx, c)
	return c.Over() || c.Abandon(), err
}

// Await waits for c's reply, and returns its error if there is one. Unless c is
// over, the error is why it was not waited for.
func (b *Batcher) Await(ctx context.Context, c *Call) error {
	select {
	case <-c.done:
		return c.Err
	case <-ctx.Done():
	}
	if c.Over() {
		return c.Err
	}
	return ctx.Err()
}

// Submit has calls sent, together where that can be. Await waits for each.
func (b *Batcher) Submit(cs ...*Call) {
	b.mu.Lock()
	b.queue = append(b.queue, cs...)
	b.startWorker()
	b.mu.Unlock()
}

// Close ends the batcher. Calls that have not left are not sent any more, and end with
// redis.ErrClosed. Those that have end with their connection, or when the client waits
// no longer for a reply: Wait waits for them.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.closed = true
	if b.watch != nil {
		b.watch.Stop()
	}
	b.refuse()
	b.mu.Unlock()
	b.sticky.close()
}

// Wait waits for the workers, which end after Close.
func (b *Batcher) Wait() { b.group.Wait() }

// refuse ends what is queued. b.mu is held.
func (b *Batcher) refuse() {
	for _, c := range b.queue {
		if c.state.CompareAndSwap(queued, underWay) {
			c.Err = redis.ErrClosed
			close(c.done)
		}
	}
	b.queue = nil
}
