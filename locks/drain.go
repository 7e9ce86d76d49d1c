package locks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent"
)

const (
	// drainQuiet is how long a drain waits for holders before the observer hears
	// whom it waits for, and how often again.
	drainQuiet = 10 * time.Second
	// cleanupGrace and drainGrace are how long after the end of its ctx a drain goes
	// on with what is to be given back, and in all: what answers at once is given
	// back, and events are told. The registry waits for it for a fifth of a second.
	cleanupGrace = 100 * time.Millisecond
	drainGrace   = 150 * time.Millisecond
	// tellGrace is how long a drain waits for observers otherwise: one of them may
	// be its caller.
	tellGrace = time.Second
	// mostNamed is how many leases a drain names.
	mostNamed = 10
)

// Drain refuses new locks, ends waits with ErrClosed, and waits until nothing
// is held or ctx ends, and drainGrace for what is under way then. What is held then is
// lost, and given back if the store is the program's own, which nobody closes. Its error
// names what it waited for.
func (c *client) Drain(ctx context.Context) error {
	c.closed.Store(true)
	c.close(ErrClosed)
	c.lines.Close()
	c.counts.load.Add(1)
	c.leave(1) // closes empty if nothing is held
	err := c.awaitHolders(ctx)
	if c.unnotify != nil {
		c.unnotify()
	}
	if err != nil {
		c.abandonAll()
	}
	c.finishTasks(ctx)
	c.wheel.Empty() // what was released long before its end left its moment behind
	c.wheel.Stop()
	return err
}

// awaitHolders waits until nothing is held, or ctx ends.
func (c *client) awaitHolders(ctx context.Context) error {
	quiet := time.NewTicker(drainQuiet)
	defer quiet.Stop()
	began := time.Now()
	for {
		select {
		case <-c.empty:
			return nil
		case <-ctx.Done():
			select {
			case <-c.empty:
				return nil
			default:
			}
			return fmt.Errorf("%s: %w", c.heldNow(), context.Cause(ctx))
		case <-quiet.C:
			c.warn(concurrent.Event{
				Err: fmt.Errorf("shutting down has waited %v: %s", time.Since(began).Round(time.Second), c.heldNow()),
			}, nil)
		}
	}
}

// heldNow names what is held, and by whom, the longest first.
func (c *client) heldNow() string {
	leases := c.wheel.All()
	slices.SortFunc(leases, func(a, b *lease) int { return int(a.got.Mono/1e6 - b.got.Mono/1e6) })
	var named []string
	for _, l := range leases[:min(len(leases), mostNamed)] {
		text := fmt.Sprintf("%q", shortKey(c.unprefixed(l.key)))
		if l.options.label != "" {
			text += fmt.Sprintf(" by %q", l.options.label)
		}
		named = append(named, fmt.Sprintf("%s for %v", text, l.heldFor().Round(time.Millisecond)))
	}
	if more := len(leases) - mostNamed; more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	if len(named) == 0 {
		return "a call to the store has not returned"
	}
	return "still held: " + strings.Join(named, ", ")
}

// abandonAll loses every lease that is still held.
func (c *client) abandonAll() {
	c.wheel.Lock()
	c.abandoned = true
	c.wheel.Unlock()
	own := c.opened.Config().Store != nil
	for _, l := range c.wheel.Empty() {
		if !l.lose(l.fail("hold", withCause(ErrLockLost, ErrClosed))) || !own {
			continue
		}
		if until := l.keptUntil(used, l.got.Later()); until.IsZero() {
			c.giveBack(l.request(l.longest()))
		} else {
			l.giveBackKept(until)
		}
	}
}

// finishTasks ends what runs in the background. What was given up is given back once
// more, which takes a second at most, or a moment after ctx has ended.
func (c *client) finishTasks(ctx context.Context) {
	giveUp, free := endLater(ctx, cleanupGrace)
	defer free()
	late, free := endLater(ctx, drainGrace)
	defer free()
	c.cleanup.Finish(giveUp)
	c.end(ErrClosed) // a request that left goes on without us
	timer := time.NewTimer(tellGrace)
	defer timer.Stop()
	select {
	case <-c.tasks.stop():
	case <-timer.C:
	case <-late.Done():
	}
}

// endLater returns a context that ends that much later than ctx.
func endLater(ctx context.Context, d time.Duration) (late context.Context, free func()) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return late, func() {
		stop()
		cancel()
	}
}
