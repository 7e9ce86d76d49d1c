// Package cleanup gives back, in the background, what a store may hold for an owner
// whom nobody believes to hold it: the reply was lost or came too late, or a
// release failed. The request may still be on its way to the store, so an answer
// that nothing is held is not the last word at first.
package cleanup

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/backoff"
)

const (
	firstPause = 50 * time.Millisecond
	mostPause  = 5 * time.Second
	callBound  = time.Second
	// together is how many calls are under way at a time. Each has a goroutine of
	// its own, so that one that hangs delays none of the others.
	together = 1024
)

// An Item is what is to be given back.
type Item struct {
	Request driver.Request
	// Settled is from when on "not held" is the last word; zero: at once.
	Settled time.Time
	// Over is when the lease has ended by itself; zero: never.
	Over time.Time
	// KeepUntil is until when the key is to stay held by nobody: until then it is
	// kept, not released. Zero: it is released.
	KeepUntil time.Time
}

// A Store is what a Cleanup asks.
type Store interface {
	Release(ctx context.Context, r driver.Request) error
	Keep(ctx context.Context, r driver.Request) error // only of items with KeepUntil
}

// A Cleanup is what is to be given back to one store.
type Cleanup struct {
	store Store
	start func(func()) bool
	life  context.Context
	done  atomic.Uint64

	mu      sync.Mutex
	running bool
	final   bool // each item is tried once more, whatever comes of it
	calls   int
	items   []*item
	wake    chan struct{}
	idle    chan struct{} // closed when there is nothing; nil: there is nothing
}

type item struct {
	Item
	next    time.Time // when to try; zero: it is being tried
	backoff backoff.Backoff
}

// New returns a Cleanup that runs as long as life does, in goroutines that start
// starts.
func New(life context.Context, store Store, start func(func()) bool) *Cleanup {
	return &Cleanup{store: store, start: start, life: life, wake: make(chan struct{}, 1)}
}

// Add has it given back soon.
func (c *Cleanup) Add(it Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = append(c.items, &item{
		Item: it, next: time.Now(), backoff: backoff.Backoff{First: firstPause, Most: mostPause, Seed: backoff.Seed(it.Request.Key)},
	})
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	if c.running {
		c.signal()
		return
	}
	if c.running = c.start(c.run); !c.running {
		c.forget()
	}
}

// Done returns how many were given back.
func (c *Cleanup) Done() uint64 { return c.done.Load() }

// Finish has all items, and those that are added from now on, tried once more and
// then forgotten. It returns when that is done, at the latest when ctx ends.
func (c *Cleanup) Finish(ctx context.Context) {
	c.mu.Lock()
	c.final = true
	for _, it := range c.items {
		if !it.next.IsZero() {
			it.next = time.Now()
		}
	}
	idle := c.idle
	c.signal()
	c.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

func (c *Cleanup) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run starts what is due until nothing is left or life ends.
func (c *Cleanup) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-c.wake:
		case <-c.life.Done():
			c.mu.Lock()
			c.forget()
			c.running = false
			c.mu.Unlock()
			return
		}
		next, left := c.begin()
		if !left {
			return
		}
		timer.Reset(next)
	}
}

// begin starts the calls that are due, and returns when the next one is. Without
// any item left it ends the run.
func (c *Cleanup) begin() (next time.Duration, left bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.items) == 0 {
		c.forget()
		c.running = false
		return 0, false
	}
	next = mostPause
	for _, it := range c.items {
		switch {
		case it.next.IsZero():
		case it.next.After(now):
			next = min(next, it.next.Sub(now))
		case c.calls < together:
			it.next = time.Time{}
			c.calls++
			if !c.start(func() { c.try(it) }) {
				c.calls--
			}
		}
	}
	return next, true
}

// forget lets go of all items. c.mu is held.
func (c *Cleanup) forget() {
	c.items = nil
	if c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// try gives back once, and has it tried again unless that settled it.
func (c *Cleanup) try(it *item) {
	err := c.call(it)
	now := time.Now()
	settled := err == nil || errors.Is(err, driver.ErrClosed) ||
		errors.Is(err, driver.ErrNotHeld) && !now.Before(it.Settled) ||
		!it.Over.IsZero() && now.After(it.Over)
	if err == nil {
		c.done.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls--
	if settled || c.final {
		c.remove(it)
	} else {
		it.next = now.Add(it.backoff.Next())
	}
	c.signal()
}

// call asks the store. A driver that panics is asked again later.
func (c *Cleanup) call(it *item) (err error) {
	ctx, cancel := context.WithTimeout(c.life, callBound)
	defer cancel()
	err = driver.ErrUnavailable
	defer func() { _ = recover() }()
	if left := time.Until(it.KeepUntil); !it.KeepUntil.IsZero() && left > 0 {
		r := it.Request
		r.Lease = max(left, time.Millisecond) // the shortest that Keep takes
		return c.store.Keep(ctx, r)
	}
	return c.store.Release(ctx, it.Request)
}

func (c *Cleanup) remove(it *item) {
	for i, other := range c.items {
		if other == it {
			last := len(c.items) - 1
			c.items[i] = c.items[last]
			c.items[last] = nil
			c.items = c.items[:last]
			return
		}
	}
}
