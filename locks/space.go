package locks

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// A space is what this package keeps of one opened alias: its leases, its
// lines of waiters, and what is to be given back.
type space struct {
	opened *concurrent.Opened // nil for a local lock
	alias  string
	prefix string

	store     driver.Store
	waiter    driver.Waiter // nil where the store has none, like the next three
	batcher   driver.Batcher
	keeper    driver.Keeper
	inspector driver.Inspector
	features  driver.Features
	inProcess *memory.Store // the store, if it is in this process: no reply travels there

	lease      time.Duration // the alias's
	checkEvery time.Duration // how often a lease without end is looked for, times three

	owners    ownerSlot
	schedule  schedule
	renewals  renewals
	lines     lines
	giveBacks giveBacks
	losses    losses

	// in counts the leases held and asked for. closed is set once, by Drain.
	in     atomic.Int64
	closed atomic.Bool
	empty  chan struct{} // closed when in is 0 after closed was set
	once   sync.Once

	life       context.Context // ends when the space does
	end        context.CancelCauseFunc
	closing    context.Context // ends when Drain begins; waits end with it
	close      context.CancelCauseFunc
	background background
	stopNotify func()
	releasing  atomic.Pointer[releaseWindow]
}

var (
	host, _ = os.Hostname()
	pid     = os.Getpid()
)

func newSpace(o *concurrent.Opened) concurrent.Drainer {
	sp := &space{
		opened: o, alias: o.Alias(), prefix: o.Config().Prefix, store: o.Store(), features: o.Store().Features(),
		lease: o.Config().Lease, empty: make(chan struct{}),
	}
	sp.inProcess, _ = sp.store.(*memory.Store)
	sp.waiter, _ = sp.store.(driver.Waiter)
	sp.batcher, _ = sp.store.(driver.Batcher)
	sp.keeper, _ = sp.store.(driver.Keeper)
	sp.inspector, _ = sp.store.(driver.Inspector)
	sp.life, sp.end = context.WithCancelCause(context.Background())
	sp.closing, sp.close = context.WithCancelCause(context.Background())
	sp.init()
	if n, ok := sp.store.(driver.Notifier); ok {
		sp.stopNotify = n.NotifyLost(sp.losses.take)
	}
	return sp
}

// init makes what a space consists of, besides its store.
func (sp *space) init() {
	sp.checkEvery = sp.lease
	if sp.lease == Forever {
		sp.checkEvery = defaultCheck
	}
	sp.schedule = schedule{space: sp, buckets: make(map[int64]*bucket), armed: forever}
	sp.renewals = renewals{space: sp, classes: make(map[int]*class)}
	sp.lines.init(sp)
	sp.giveBacks.space = sp
	sp.losses.space = sp
}

// observer returns who is told what happens, nil if nobody is.
func (sp *space) observer() concurrent.Observer {
	if sp.opened == nil {
		return nil
	}
	return sp.opened.Observer()
}

// Stats counts what is held.
func (sp *space) Stats() concurrent.AliasStats { return concurrent.AliasStats{Held: int(sp.in.Load())} }

// enter counts an acquisition in; done counts it out again, at the latest when
// its lease ends.
func (sp *space) enter() error {
	sp.in.Add(1)
	if sp.closed.Load() {
		sp.done()
		return ErrClosed
	}
	return nil
}

func (sp *space) done() {
	if sp.in.Add(-1) == 0 && sp.closed.Load() {
		sp.once.Do(func() { close(sp.empty) })
	}
}

// Drain refuses new locks, ends waits with ErrClosed, and waits until nothing
// is held or ctx ends. What is held then is lost.
func (sp *space) Drain(ctx context.Context) error {
	sp.closed.Store(true)
	sp.close(ErrClosed)
	sp.lines.close()
	sp.in.Add(1)
	sp.done() // closes empty if nothing is held
	var err error
	select {
	case <-sp.empty:
	case <-ctx.Done():
		err = context.Cause(ctx)
		sp.abandon()
	}
	if sp.stopNotify != nil {
		sp.stopNotify()
	}
	sp.end(ErrClosed)
	sp.background.stop()
	return err
}

// abandon loses every lease that is still held.
func (sp *space) abandon() {
	sp.schedule.mu.Lock()
	leases := sp.schedule.pop(forever)
	for _, l := range leases {
		l.bucket = nil
	}
	sp.schedule.count = 0
	sp.schedule.mu.Unlock()
	for _, l := range leases {
		l.lose(l.fail("hold", because(ErrLockLost, ErrClosed)))
	}
}

// holder says who asks, for Inspect.
func (sp *space) holder(s *settings) driver.Holder {
	return driver.Holder{Host: host, PID: pid, Label: s.label}
}

// unprefixed returns key as the caller wrote it.
func (sp *space) unprefixed(key string) string { return strings.TrimPrefix(key, sp.prefix) }

// fail returns an *Error about key, which has the alias's prefix.
func (sp *space) fail(op, key string, err error) *Error {
	return &Error{Op: op, Alias: sp.alias, Key: sp.unprefixed(key), Err: err}
}
