package locks

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

func TestOneHolderAtATime(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k", locks.WithFencing()), b.process(t).cache("k", locks.WithFencing())
		acquire(t, one)
		if !one.Active() || one.Remaining() <= 0 || one.Remaining() > lease {
			t.Errorf("active: %t, for %v of %v", one.Active(), one.Remaining(), lease)
		}
		refused(t, two)
		if err := two.Acquire(t.Context()); !errors.Is(err, locks.ErrLockActive) {
			t.Errorf("Acquire of a held key: %v", err)
		}
		first := one.Token()
		release(t, one)
		if one.Active() {
			t.Error("active after Release")
		}
		acquire(t, two)
		if two.Token() <= first {
			t.Errorf("token %d after %d", two.Token(), first)
		}
		release(t, two)
	})
}

func TestReleaseOnACancelledContext(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k"), b.process(t).cache("k")
		acquire(t, one)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := one.Release(ctx); err != nil {
			t.Fatal(err)
		}
		free(t, two)
	})
}

func TestTheLeaseIsRenewedWhileHeld(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k"), b.process(t).cache("k")
		acquire(t, one)
		ctx := one.Context(t.Context())
		for until := time.After(2 * lease); ; {
			refused(t, two)
			select {
			case <-ctx.Done():
				t.Fatalf("the lock ended: %v", context.Cause(ctx))
			case <-time.After(lease / 10):
				continue
			case <-until:
			}
			break
		}
		release(t, one)
	})
}

// Whoever gets a lock finds that the one before knows of its end.
func TestTheHolderKnowsBeforeTheNextBegins(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one := b.process(t).cache("k", locks.WithExpire(lease))
		two := b.process(t).cache("k", locks.WithWait(patience))
		acquire(t, one)
		ctx := one.Context(t.Context())
		acquire(t, two)
		if one.Active() || ctx.Err() == nil {
			t.Errorf("the next one has the lock; the holder is active: %t, its context: %v", one.Active(), ctx.Err())
		}
		if cause := context.Cause(ctx); !errors.Is(cause, locks.ErrLockExpired) {
			t.Errorf("the cause: %v", cause)
		}
		if err := one.Release(t.Context()); !errors.Is(err, locks.ErrLockLost) {
			t.Errorf("Release of a lock that expired: %v", err)
		}
		if !two.Active() {
			t.Error("the late Release took the next one's lock")
		}
		release(t, two)
	})
}

func TestExtendBothWays(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k", locks.WithExpire(lease)), b.process(t).cache("k", locks.WithWait(patience))
		acquire(t, one)
		if err := one.Extend(t.Context(), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if left := one.Remaining(); left < 9*time.Minute {
			t.Errorf("%v left of ten minutes", left)
		}
		refused(t, two)
		if err := one.Extend(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
		if left := one.Remaining(); left > lease {
			t.Errorf("%v left of %v", left, lease)
		}
		acquire(t, two) // when it ended
		if one.Active() {
			t.Error("two are active")
		}
		release(t, two)
		if err := one.Release(t.Context()); !errors.Is(err, locks.ErrLockExpired) {
			t.Errorf("Release of a lock that expired: %v", err)
		}
	})
}

func TestALockWithoutEnd(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p := b.process(t)
		one, two := p.cache("k", locks.WithExpire(locks.Forever)), b.process(t).cache("k")
		acquire(t, one)
		if one.Remaining() != locks.Forever {
			t.Errorf("%v left of forever", one.Remaining())
		}
		if h := p.inspect("k").Holders; len(h) != 1 || !h[0].Until.IsZero() {
			t.Errorf("%+v hold it", h)
		}
		refused(t, two)
		release(t, one)
		free(t, two)
	})
}
