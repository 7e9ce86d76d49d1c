package locks

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent"
)

// lastID is the number of the attempt that began last, of those that were observed.
var lastID atomic.Uint64

// observer returns who is told what happens, nil if nobody is.
func (c *client) observer() concurrent.Observer {
	if c.opened == nil {
		return nil
	}
	return c.opened.Observer()
}

// add has e told soon, after those that were added before.
func (es *events) add(e event) {
	es.mu.Lock()
	defer es.mu.Unlock()
	es.queue = append(es.queue, e)
	if !es.running {
		es.running = es.client.tasks.start(es.run)
	}
	if !es.running { // the client has ended: nobody hears of it any more
		for _, e := range es.queue {
			e.finish()
		}
		es.queue = nil
	}
}

func (es *events) run() {
	for {
		es.mu.Lock()
		queue := es.queue
		es.queue = nil
		if len(queue) == 0 {
			es.running = false
			es.mu.Unlock()
			return
		}
		es.mu.Unlock()
		for _, e := range queue {
			es.tell(e)
		}
	}
}

// tell tells one event. That an observer panicked is told to all of them.
func (es *events) tell(e event) {
	defer e.finish()
	o := es.client.observer()
	if o == nil {
		return
	}
	if p := observe(e.ctx, o, e.Event); p != nil {
		_ = observe(e.ctx, o, concurrent.Event{
			Kind: concurrent.EventStoreWarning, Alias: e.Alias,
			Err: fmt.Errorf("an observer panicked when it was told of %q: %v", e.Kind, p),
		})
	}
}

func (e *event) finish() {
	if e.done != nil {
		close(e.done)
	}
}

// observe tells o, and returns what it panicked with.
func observe(ctx context.Context, o concurrent.Observer, e concurrent.Event) (panicked any) {
	defer func() { panicked = recover() }()
	o.Observe(ctx, e)
	return nil
}

// event returns an event about a lease.
func (l *lease) event(kind concurrent.EventKind, took time.Duration, err error) event {
	x := l.extras()
	x.mu.Lock()
	if x.told == nil {
		x.told = &told{context.Background(), lastID.Add(1)}
	}
	t := x.told
	x.mu.Unlock()
	return event{ctx: t.ctx, Event: concurrent.Event{
		Kind: kind, ID: t.id, Alias: l.client.alias, Key: l.client.unprefixed(l.key), Label: l.options.label,
		Mode: l.mode, Token: l.token, Took: took, Err: err,
	}}
}

// notify tells the observer, if there is one, about a lease, before it returns.
func (l *lease) notify(kind concurrent.EventKind, took time.Duration, err error) {
	if o := l.client.observer(); o != nil {
		e := l.event(kind, took, err)
		e.Held = l.heldWhen(kind)
		o.Observe(e.ctx, e.Event)
	}
}

// notifyInPanic is notify while the driver's panic goes on to the caller, which one of
// the observer must not hide. The client may have ended, so that it can't come later.
func (l *lease) notifyInPanic(kind concurrent.EventKind, err error) {
	if o := l.client.observer(); o != nil {
		e := l.event(kind, 0, err)
		e.Held = l.heldWhen(kind)
		_ = observe(e.ctx, o, e.Event)
	}
}

// heldWhen is how long the lease was held, for an event that ends it.
func (l *lease) heldWhen(kind concurrent.EventKind) time.Duration {
	switch kind {
	case concurrent.EventReleased, concurrent.EventLost, concurrent.EventLeaked:
		return l.heldFor()
	}
	return 0
}

// notifyLater has the observer, if there is one, told in the background.
func (l *lease) notifyLater(kind concurrent.EventKind, took time.Duration, err error) {
	if l.client.observer() == nil {
		return
	}
	e := l.event(kind, took, err)
	e.Held = l.heldWhen(kind)
	l.client.events.add(e)
}

// warn has the observer told of something that is wrong with the store, or with how
// it is used.
func (c *client) warn(e concurrent.Event, done chan<- struct{}) {
	if c.observer() == nil {
		if done != nil {
			close(done)
		}
		return
	}
	e.Kind, e.Alias = concurrent.EventStoreWarning, c.alias
	c.events.add(event{ctx: context.Background(), Event: e, done: done})
}
