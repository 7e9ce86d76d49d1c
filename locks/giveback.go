package locks

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// giveBacks releases, in the background, what the store may have granted
// although the caller was told otherwise: the reply was lost, came too late or
// nobody waited for it any more. The request may still be on its way to the
// store, so an answer that nothing is held is not the last word until the
// lease asked for could no longer be held.
type giveBacks struct {
	space *space

	mu      sync.Mutex
	running bool
	items   []giveBack
}

type giveBack struct {
	request driver.Request
	next    time.Time     // when to try
	pause   time.Duration // before the try after that
	settled time.Time     // from when on "not held" is the last word
	over    time.Time     // when the lease has ended; zero: never
}

const (
	giveBackPause = 50 * time.Millisecond
	giveBackMost  = 5 * time.Second
	giveBackCall  = time.Second
	// A request on its way does not stay there for longer, however long the
	// lease that it asks for.
	giveBackLongest = time.Minute
)

// certain reports whether err tells that nothing was granted.
func certain(err error) bool {
	return errors.Is(err, driver.ErrHeld) || errors.Is(err, driver.ErrInvalidRequest) ||
		errors.Is(err, driver.ErrUnsupported) || errors.Is(err, driver.ErrClosed)
}

// add has r's owner released soon.
func (g *giveBacks) add(r driver.Request) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	it := giveBack{request: r, next: now, pause: giveBackPause, settled: now.Add(min(r.Lease, giveBackLongest))}
	if r.Lease != Forever {
		it.over = it.settled.Add(r.Lease) // a request that was on its way began a lease by then
	}
	g.items = append(g.items, it)
	if !g.running {
		g.running = g.space.background.start(g.run)
	}
}

// run tries what is due until nothing is left or the space ends.
func (g *giveBacks) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-g.space.life.Done():
			return
		}
		for _, it := range g.due() {
			g.try(it)
		}
		g.mu.Lock()
		if len(g.items) == 0 {
			g.running, g.items = false, nil
			g.mu.Unlock()
			return
		}
		first := g.items[0].next
		for _, it := range g.items {
			if it.next.Before(first) {
				first = it.next
			}
		}
		g.mu.Unlock()
		timer.Reset(time.Until(first))
	}
}

// due takes out what is to be tried now.
func (g *giveBacks) due() []giveBack {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	var due []giveBack
	rest := g.items[:0]
	for _, it := range g.items {
		if it.next.After(now) {
			rest = append(rest, it)
		} else {
			due = append(due, it)
		}
	}
	clear(g.items[len(rest):])
	g.items = rest
	return due
}

// try releases once, and puts the item back unless that settled it.
func (g *giveBacks) try(it giveBack) {
	ctx, cancel := context.WithTimeout(g.space.life, giveBackCall)
	err := g.space.store.Release(ctx, it.request)
	cancel()
	now := time.Now()
	switch {
	case err == nil, errors.Is(err, ErrClosed):
		return
	case errors.Is(err, ErrNotHeld) && !now.Before(it.settled):
		return
	case !it.over.IsZero() && now.After(it.over):
		return // it ended by itself
	}
	it.next = now.Add(it.pause)
	it.pause = min(2*it.pause, giveBackMost)
	g.mu.Lock()
	g.items = append(g.items, it)
	g.mu.Unlock()
}
