package batch

import (
	"context"
	"slices"
	"time"
)

const (
	// workers is how many batches are under way at once. While they are, the
	// calls that come form the next: the more workers, the smaller the batches.
	workers = 3
	// overdue is how long a batch is under way before it no longer counts as
	// one, and overdueEach how much longer for each call in it. Calls that come
	// then do not wait for a server that is far away, nor for a connection that
	// hangs.
	overdue     = time.Millisecond
	overdueEach = 60 * time.Microsecond
	// mostWorkers bounds the connections of a server that answers nothing.
	mostWorkers = 16
	// batchMost is how many calls go together, so that the first need not wait
	// for too many others' replies.
	batchMost = 128
)

// A worker sends one batch after another, as long as there are calls.
type worker struct {
	since time.Time // when its batch left
	calls int       // in it

	// Of an inline call, which is alone in it; ctx is nil where there is none.
	ctx context.Context //nolint:containedctx // it is the caller's, who is here all the while
	due time.Time
}

// startWorker starts a worker for what is queued, if there is room. b.mu is held.
func (b *Batcher) startWorker() {
	if b.closed {
		b.refuse()
	}
	if len(b.queue) == 0 {
		return
	}
	if len(b.active) >= workers {
		if b.armed {
			return
		}
		if b.busy() >= workers || len(b.active) >= mostWorkers {
			b.arm()
			return
		}
	}
	w := &worker{since: time.Now()}
	b.active = append(b.active, w)
	b.group.Go(func() { b.work(w) })
}

// busy is how many workers are not overdue. b.mu is held.
func (b *Batcher) busy() (n int) {
	now := time.Now()
	for _, w := range b.active {
		if now.Sub(w.since) < overdue+time.Duration(w.calls)*overdueEach {
			n++
		}
	}
	return n
}

// arm has the workers looked at later: all of them may hang.
func (b *Batcher) arm() {
	if b.armed {
		return
	}
	b.armed = true
	if b.watch == nil {
		b.watch = time.AfterFunc(overdue, b.onWatch)
	} else {
		b.watch.Reset(overdue)
	}
}

func (b *Batcher) onWatch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = false
	b.startWorker()
}

// work is a worker's life.
func (b *Batcher) work(w *worker) {
	var batch []*Call
	for {
		batch = b.next(w, batch[:0])
		if len(batch) == 0 {
			return
		}
		b.send(context.Background(), batch) // callers leave when their context ends
		if time.Since(w.since) > slowAfter {
			b.slow.note()
		}
	}
}

// next returns the next calls whose callers still wait. If there is none, the
// worker ends.
func (b *Batcher) next(w *worker, batch []*Call) []*Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.queue {
		if len(batch) == batchMost {
			break
		}
		n++
		if c.state.CompareAndSwap(queued, underWay) {
			batch = append(batch, c)
		}
	}
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	w.since, w.calls = time.Now(), len(batch)
	if len(batch) == 0 {
		b.remove(w)
	}
	return batch
}

// remove ends a worker. b.mu is held.
func (b *Batcher) remove(w *worker) {
	b.active = slices.DeleteFunc(b.active, func(other *worker) bool { return other == w })
}

// send sends the calls in one round trip, and those that need it in another, and
// gives each its reply or error.
func (b *Batcher) send(ctx context.Context, calls []*Call) {
	for len(calls) > 0 {
		runs := b.runs(ctx, calls)
		if len(runs) == 1 {
			b.sticky.process(ctx, b.client, runs[0].Cmder)
		} else {
			pipe := b.client.Pipeline()
			for _, r := range runs {
				_ = pipe.Process(ctx, r.Cmder)
			}
			_, _ = pipe.Exec(ctx)
		}
		calls = nil
		for _, r := range runs {
			b.learn(r.Err())
			calls = append(calls, r.deliver()...)
		}
	}
}
