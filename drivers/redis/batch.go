package redis

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// lanes is how many batches are under way at once. While they are, the
	// calls that come form the next: the more lanes, the smaller the batches.
	lanes = 3
	// overdue is how long a batch is under way before it no longer counts as
	// one, and overdueEach how much longer for each call in it. Calls that come
	// then do not wait for a server that is far away, nor for a connection that
	// hangs.
	overdue     = time.Millisecond
	overdueEach = 60 * time.Microsecond
	// mostLanes bounds the connections of a server that answers nothing.
	mostLanes = 16
	// batchMost is how many calls go together, so that the first need not wait
	// for too many others' replies.
	batchMost = 128
)

// A batcher sends the calls of many goroutines together. A call that comes
// alone leaves at once: nobody waits for company.
type batcher struct {
	client redis.UniversalClient
	wired  bool        // its connections are wires, which heed the deadlines of contexts
	share  atomic.Bool // a script's run may have many keys
	slow   slowness
	keeper keeper
	// readTimeout is how long client waits for a reply, 0 for ever.
	readTimeout time.Duration

	mu     sync.Mutex
	queue  []*call
	active []*lane
	watch  *time.Timer
	armed  bool
	closed bool
	group  sync.WaitGroup
}

// A lane sends one batch after another, as long as there are calls.
type lane struct {
	since time.Time // when its batch left
	calls int       // in it

	// Of a direct call, which is alone in it; ctx is nil where there is none.
	ctx context.Context //nolint:containedctx // it is the caller's, who is here all the while
	due time.Time
}

// do has c sent, and waits until it has its reply or ctx ends, when it reports
// whether c may have left.
func (b *batcher) do(ctx context.Context, c *call) (left bool, err error) {
	if l := b.enter(ctx, c); l != nil {
		b.direct(c, l)
		return true, c.err
	}
	err = b.await(ctx, c)
	return c.over() || !c.state.CompareAndSwap(queued, abandoned), err
}

// await waits for c's reply, and returns its error if there is one. Unless c is
// over, the error is why it was not waited for.
func (b *batcher) await(ctx context.Context, c *call) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	if c.over() {
		return c.err
	}
	return ctx.Err()
}

func (b *batcher) submit(cs ...*call) {
	b.mu.Lock()
	b.queue = append(b.queue, cs...)
	b.start()
	b.mu.Unlock()
}

// start starts a lane for what is queued, if there is room. b.mu is held.
func (b *batcher) start() {
	if b.closed {
		b.refuse()
	}
	if len(b.queue) == 0 {
		return
	}
	if len(b.active) >= lanes {
		if b.armed {
			return
		}
		if b.busy() >= lanes || len(b.active) >= mostLanes {
			b.arm()
			return
		}
	}
	l := &lane{since: time.Now()}
	b.active = append(b.active, l)
	b.group.Go(func() { b.run(l) })
}

// busy is how many lanes are not overdue. b.mu is held.
func (b *batcher) busy() (n int) {
	now := time.Now()
	for _, l := range b.active {
		if now.Sub(l.since) < overdue+time.Duration(l.calls)*overdueEach {
			n++
		}
	}
	return n
}

// arm has the lanes looked at later: all of them may hang.
func (b *batcher) arm() {
	if b.armed {
		return
	}
	b.armed = true
	if b.watch == nil {
		b.watch = time.AfterFunc(overdue, b.look)
	} else {
		b.watch.Reset(overdue)
	}
}

func (b *batcher) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = false
	b.start()
}

func (b *batcher) run(l *lane) {
	var batch []*call
	for {
		batch = b.take(l, batch[:0])
		if len(batch) == 0 {
			return
		}
		b.send(context.Background(), batch) // callers leave when their context ends
		if time.Since(l.since) > slowAfter {
			b.slow.note()
		}
	}
}

// take returns the next calls whose callers still wait. If there is none, the
// lane is over.
func (b *batcher) take(l *lane, batch []*call) []*call {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.queue {
		if len(batch) == batchMost {
			break
		}
		n++
		if c.state.CompareAndSwap(queued, under) {
			batch = append(batch, c)
		}
	}
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	l.since, l.calls = time.Now(), len(batch)
	if len(batch) == 0 {
		b.drop(l)
	}
	return batch
}

// drop ends a lane. b.mu is held.
func (b *batcher) drop(l *lane) {
	b.active = slices.DeleteFunc(b.active, func(other *lane) bool { return other == l })
}

// send sends the calls in one round trip, and those that need it in another, and
// gives each its reply or error.
func (b *batcher) send(ctx context.Context, calls []*call) {
	for len(calls) > 0 {
		commands := b.commands(ctx, calls)
		if len(commands) == 1 {
			b.keeper.process(ctx, b.client, commands[0].Cmder)
		} else {
			pipe := b.client.Pipeline()
			for _, c := range commands {
				_ = pipe.Process(ctx, c.Cmder)
			}
			_, _ = pipe.Exec(ctx)
		}
		calls = nil
		for _, c := range commands {
			b.learn(c.Err())
			calls = append(calls, c.deliver()...)
		}
	}
}

// close ends the batcher. Calls that have not left are not sent any more. Those that
// have end with their connection, or when the client waits no longer for a reply.
func (b *batcher) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.watch != nil {
		b.watch.Stop()
	}
	b.refuse()
}

// refuse ends what is queued. b.mu is held.
func (b *batcher) refuse() {
	for _, c := range b.queue {
		if c.state.CompareAndSwap(queued, under) {
			c.err = redis.ErrClosed
			close(c.done)
		}
	}
	b.queue = nil
}
