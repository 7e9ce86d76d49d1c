package locks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// waits has l acquired in the background, and returns when p sees it wait.
func waits(ctx context.Context, t *testing.T, p *process, l *locks.Lock) <-chan error {
	t.Helper()
	over := make(chan error, 1)
	before := p.inspect(l.Key()).Waiters
	go func() { over <- l.Acquire(ctx) }()
	if before >= 0 {
		eventually(t, "somebody waits", func() bool { return p.inspect(l.Key()).Waiters > before })
	}
	return over
}

func TestAWaiterIsWokenByRelease(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p := b.process(t)
		one, two := p.cache("k"), b.process(t).cache("k", locks.WithWait(locks.Forever))
		for range 5 {
			acquire(t, one)
			over := waits(t.Context(), t, p, two)
			release(t, one)
			if err := done(t, "the waiter got the lock", over); err != nil {
				t.Fatal(err)
			}
			release(t, two)
		}
	})
}

func TestAWaitThatEndsLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p := b.process(t)
		one, two := p.cache("k"), b.process(t).cache("k", locks.WithWait(locks.Forever))
		acquire(t, one)
		ctx, cancel := context.WithCancel(t.Context())
		over := waits(ctx, t, p, two)
		cancel()
		err := done(t, "the wait ended", over)
		if !errors.Is(err, locks.ErrLockActive) || !errors.Is(err, context.Canceled) {
			t.Errorf("a wait that was cancelled: %v", err)
		}
		short := b.process(t).cache("k", locks.WithWait(300*time.Millisecond)) // time for an answer, also on a busy machine
		if err := short.Acquire(t.Context()); !errors.Is(err, locks.ErrLockActive) {
			t.Errorf("a wait that ran out: %v", err)
		}
		eventually(t, "nobody waits", func() bool { return p.inspect("k").Waiters <= 0 })
		release(t, one)
		for range 3 { // nobody has it, and nobody gets it any more
			free(t, one)
		}
		if two.Active() || short.Active() {
			t.Error("a wait that ended got the lock")
		}
	})
}

func TestEveryWaiterGetsItsTurn(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		const processes, goroutines, turns = 3, 8, 6
		var all sync.WaitGroup
		var inside sync.Mutex // held by who has the lock
		var last uint64
		for range processes {
			p := b.process(t)
			l := p.cache("k", locks.WithWait(locks.Forever))
			for range goroutines {
				all.Go(func() {
					for range turns {
						err := l.Do(t.Context(), func(ctx context.Context) error {
							if !inside.TryLock() {
								return errors.New("two are inside")
							}
							defer inside.Unlock()
							token, _ := locks.Token(ctx)
							if token <= last {
								t.Errorf("token %d after %d", token, last)
							}
							last = token
							return ctx.Err()
						})
						if err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		all.Wait()
	})
}

func TestACancelledAcquireLeavesNothingHeld(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		for i := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
			l := p.cache("k", locks.WithWait(locks.Forever))
			if err := l.Acquire(ctx); err == nil {
				release(t, l)
			}
			cancel()
		}
		l := other.cache("k", locks.WithWait(patience))
		free(t, l)
	})
}
