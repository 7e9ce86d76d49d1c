package locks

import (
	"context"
	"errors"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// Local returns a lock of this process that has no name: whoever has the value
// shares it, and nobody else. It takes the same options as Cache except
// WithRegistry, and its lease is renewed as long as the process runs. Who waits
// is served first come, first served. It has no key, and belongs to no registry:
// Shutdown does not wait for it, and no observer hears of it.
func Local(opts ...Option) *Lock {
	return &Lock{set: settle(opts), local: true}
}

var errLocalRegistry = errors.New("WithRegistry: a local lock belongs to no registry")

// bindLocal makes what a local lock has of its own: a line that no store is
// behind. Its holder's lease is on nobody else's clock.
func (l *Lock) bindLocal() (*binding, error) {
	if l.set.registry != nil {
		return nil, fault{ErrInvalidOption, errLocalRegistry}
	}
	sp := &space{
		store: nowhere{}, batcher: nowhere{}, keeper: nowhere{},
		features: nowhere{}.Features(), lease: concurrent.DefaultLease,
		life: context.Background(), closing: context.Background(),
	}
	sp.init()
	ln := &line{shard: new(lineShard)}
	ln.local = &local{space: sp, token: uint64(max(1, time.Now().UnixMicro())) << 10}
	l.bound.CompareAndSwap(nil, &binding{space: sp, set: l.set, local: ln})
	return l.bound.Load(), nil
}

// nowhere stands for the store that a local lock has not: there is nothing to
// tell it, so that all it is told succeeds.
type nowhere struct{}

var (
	_ driver.Store   = nowhere{}
	_ driver.Batcher = nowhere{}
	_ driver.Keeper  = nowhere{}
)

func (nowhere) TryAcquire(context.Context, driver.Request) (driver.Grant, error) {
	return driver.Grant{}, driver.ErrUnsupported
}
func (nowhere) Extend(context.Context, driver.Request) (time.Time, error) { return time.Now(), nil }
func (nowhere) ExtendAll(context.Context, []driver.Request) (time.Time, []error) {
	return time.Now(), nil
}
func (nowhere) Release(context.Context, driver.Request) error { return nil }
func (nowhere) Keep(context.Context, driver.Request) error    { return nil }
func (nowhere) Close() error                                  { return nil }
func (nowhere) Features() driver.Features {
	return driver.Features{Fencing: true, FIFO: true, MinLease: time.Millisecond}
}

// A local is what makes a line a lock by itself. The line's mutex guards it.
type local struct {
	space *space
	token uint64 // the last one
	until int64  // released, but to be held until then, Mono; 0: it is not
}

// grantLocal gives the lock to the caller, or puts it in line.
func (l *Lock) grantLocal(ctx context.Context, b *binding, wait time.Duration, self weak.Pointer[Lock]) (*lease, error) {
	ln, now := b.local, clock.Now()
	ln.shard.mu.Lock()
	for ln.holder != nil && ln.holder.ended(now) {
		holder := ln.holder // its timer is late
		ln.shard.mu.Unlock()
		holder.expire()
		ln.shard.mu.Lock()
	}
	if ln.queue.first == nil && ln.local.free(ln, now) {
		next := ln.begin(b, self, now)
		ln.shard.mu.Unlock()
		return next, nil
	}
	if wait == 0 {
		ln.shard.mu.Unlock()
		return nil, ErrLockActive
	}
	p := newPlace(l, b, wait, self)
	p.line = ln
	ln.queue.push(&p.waiting)
	ln.settle() // a key that is kept has nobody who would wake p
	ln.shard.mu.Unlock()
	next, err := p.next(ctx)
	if err != nil {
		p.quit()
	}
	return next, err
}

// free reports whether nobody holds the lock.
func (lo *local) free(ln *line, now clock.Instant) bool {
	return ln.holder == nil && (lo.until == 0 || now.Mono >= lo.until)
}

// begin makes a lease, and puts it under watch.
func (ln *line) begin(b *binding, self weak.Pointer[Lock], now clock.Instant) *lease {
	sp := ln.local.space
	length, renewed := b.set.terms(sp.lease)
	ln.local.token++
	ln.local.until = 0
	next := &lease{
		binding: b, token: ln.local.token, got: now, line: ln,
		lock: self, length: length, renewed: renewed || length == Forever,
	}
	next.setEnd(now, length)
	ln.holder = next
	sp.schedule.add(next, now)
	return next
}

// settleLocal gives the lock to the first in line, if nobody holds it.
func (ln *line) settleLocal() {
	head := ln.queue.first
	if head == nil || ln.holder != nil {
		return
	}
	now := clock.Now()
	if !ln.local.free(ln, now) {
		ln.kickIn(time.Duration(ln.local.until - now.Mono))
		return
	}
	ln.queue.remove(head)
	head.turn <- ln.begin(head.binding, head.self, now)
}

// releaseLocal ends l's hold on the lock, or leaves it held by nobody for as
// long as WithKeep and WithMinHold say.
func (ln *line) releaseLocal(l *lease, now clock.Instant) {
	l.space.schedule.remove(l)
	ln.shard.mu.Lock()
	defer ln.shard.mu.Unlock()
	if left := l.set.minHold - now.Since(l.got); left > 0 {
		ln.local.until = now.Mono + int64(left)
	}
	if l.set.keep {
		end := l.endMono.Load()
		if end != forever {
			end += int64(margin(l.asked())) // what only a holder takes off
		}
		ln.local.until = end
	}
	if ln.holder == l {
		ln.holder = nil
		ln.settle()
	}
}
