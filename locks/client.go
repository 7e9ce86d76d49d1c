package locks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/locks/internal/cleanup"
	"github.com/concurrent-go/concurrent/locks/internal/keepalive"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
	"github.com/concurrent-go/concurrent/locks/internal/wheel"
)

const oneHeld = 1 << 32

var (
	host, _ = os.Hostname()
	pid     = os.Getpid()
)

func newClient(o *concurrent.Opened) concurrent.Drainer {
	store := o.Store()
	c := &client{
		opened: o, alias: o.Alias(), prefix: o.Config().Prefix, store: store, features: store.Features(),
		lease: o.Config().Lease, checkEvery: o.Config().Lease, empty: make(chan struct{}),
	}
	if c.lease == Forever {
		c.checkEvery = concurrent.DefaultLease
	}
	c.inProcess, _ = store.(*memory.Store)
	c.waiter, _ = store.(driver.Waiter)
	c.keeper, _ = store.(driver.Keeper)
	c.canKeep, _ = store.(driver.KeepChecker)
	c.inspector, _ = store.(driver.Inspector)
	c.life, c.end = context.WithCancelCause(context.Background())
	c.closing, c.close = context.WithCancelCause(context.Background())
	extender := keepalive.Store{Extend: store.Extend}
	if b, ok := store.(driver.Batcher); ok {
		extender.ExtendAll = b.ExtendAll
	}
	c.wheel = wheel.New(c.act)
	c.renewer = keepalive.New[*lease](c.life, extender, c.tasks.start)
	c.lines = waitline.New[*waitCall, *lease]()
	c.cleanup = cleanup.New(c.life, keepingStore{store, c.keeper}, c.tasks.start)
	c.losses.client, c.losses.news = c, make(chan struct{}, 1)
	c.events.client = c
	if n, ok := store.(driver.Notifier); ok {
		c.unnotify = n.NotifyLost(c.losses.add)
	}
	return c
}

// A keepingStore is a store for cleanup, which keeps only what this package had kept
// before.
type keepingStore struct {
	driver.Store
	keeper driver.Keeper
}

func (s keepingStore) Keep(ctx context.Context, r driver.Request) error {
	return s.keeper.Keep(ctx, r)
}

// act is told of leases that are over or due, in the wheel's goroutine.
func (c *client) act(over, due []*lease) {
	for _, l := range over {
		l.expire()
	}
	c.renewer.Renew(due...)
}

// open returns the client of an alias.
func open(ctx context.Context, r *concurrent.Registry, alias string) (*client, error) {
	o, err := r.Open(ctx, alias)
	if err != nil {
		return nil, err
	}
	c, ok := o.Attach(newClient).(*client)
	if !ok || c.closed.Load() { // the registry was shut down before anybody used the alias
		return nil, ErrClosed
	}
	return c, nil
}

// enter counts an attempt in.
func (c *client) enter() error {
	c.counts.load.Add(1)
	if c.closed.Load() {
		c.leave(1)
		return ErrClosed
	}
	return nil
}

// leave counts an attempt (1) or a lease (oneHeld) out.
func (c *client) leave(n int64) {
	if c.counts.load.Add(-n) == 0 && c.closed.Load() {
		c.once.Do(func() { close(c.empty) })
	}
}

// granted makes an attempt that is counted in a lease that is.
func (c *client) granted() { c.counts.load.Add(oneHeld - 1) }

// Stats counts what happened so far.
func (c *client) Stats() concurrent.AliasStats {
	return concurrent.AliasStats{
		Alias: c.alias,
		Held:  int(c.counts.load.Load() >> 32), Waiting: int(c.counts.waiting.Load()),
		Acquired: c.counts.acquired.Load(), Refused: c.counts.refused.Load(), Lost: c.counts.lost.Load(),
		Renewed: c.counts.renewed.Load(), RenewalsFailed: c.counts.renewalsFailed.Load(),
		GivenBack: c.cleanup.Done(),
	}
}

// holder says who asks, for Inspect.
func (c *client) holder(o *options) driver.Holder {
	return driver.Holder{Host: host, PID: pid, Label: o.label}
}

// unprefixed returns key as the caller wrote it.
func (c *client) unprefixed(key string) string { return strings.TrimPrefix(key, c.prefix) }

// fail returns an *Error about key, which has the alias's prefix.
func (c *client) fail(op, key string, err error) *Error {
	return &Error{Op: op, Alias: c.alias, Key: c.unprefixed(key), Err: err}
}

// giveBack has what r asked for released in the background. The request may arrive
// after the release.
func (c *client) giveBack(r driver.Request) {
	now := time.Now()
	it := cleanup.Item{Request: r, Settled: now.Add(min(r.Lease, travel))}
	if r.Lease != Forever {
		it.Over = it.Settled.Add(r.Lease) // what was on its way began a lease by then
	}
	if c.features.Ordered {
		it.Settled = now
	}
	c.cleanup.Add(it)
}

// meets returns an error if the store can't do what the options ask for.
func (c *client) meets(ctx context.Context, o *options) error {
	length, renewed := o.terms(c.lease)
	switch {
	case o.fencing && !c.features.Fencing:
		return fmt.Errorf("%w: the store gives no fencing tokens", ErrUnsupported)
	case length < leastLease:
		return fmt.Errorf("%w: the lease %v of alias %q is shorter than %v, the shortest that a lock can have",
			concurrent.ErrInvalidConfig, length, c.alias, leastLease)
	case o.maxHold != nil && !renewed:
		return fmt.Errorf("%w: WithMaxHold(%v): the alias's lease has no end, so that it is not renewed", ErrInvalidOption, *o.maxHold)
	case o.maxHold != nil && *o.maxHold < length:
		return fmt.Errorf("%w: WithMaxHold(%v) is shorter than the lease of alias %q, %v", ErrInvalidOption, *o.maxHold, c.alias, length)
	case o.keeps():
		return c.checkKeep(ctx)
	}
	return nil
}

// checkKeep finds out whether the store can keep keys, before a job runs that needs
// it.
func (c *client) checkKeep(ctx context.Context) error {
	const hint = "leave WithKeep, WithKeepOnSuccess and WithMinHold out"
	if c.keeper == nil {
		return fmt.Errorf("%w: the store can't keep a key that was released; %s", ErrUnsupported, hint)
	}
	if c.canKeep == nil || c.keeps.Load() {
		return nil
	}
	ctx, free := c.bounded(ctx, callBound)
	defer free()
	err := answered(ctx, c.canKeep.CheckKeep(ctx))
	if errors.Is(err, ErrUnsupported) {
		return fmt.Errorf("%w; %s", err, hint)
	}
	if err == nil {
		c.keeps.Store(true)
	}
	return err
}

// releaseNow gives back what was granted when nothing runs in the background any more.
func (c *client) releaseNow(r driver.Request) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.store.Release(ctx, r) // else it ends by itself
}
