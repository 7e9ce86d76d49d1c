package locks

import (
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

func TestKeepLeavesTheKeyHeld(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		one, two := b.process(t).cache("k", locks.WithKeep(), locks.WithExpire(lease)), b.process(t).cache("k", locks.WithWait(patience))
		began := time.Now()
		free(t, one)
		if one.Active() {
			t.Error("active after Release")
		}
		refused(t, two)
		acquire(t, two)
		if took := time.Since(began); took < lease {
			t.Errorf("kept for %v of %v", took, lease)
		}
		release(t, two)
	})
}

func TestMinHoldKeepsTheKey(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		const least = time.Second
		one, two := b.process(t).cache("k", locks.WithMinHold(least)), b.process(t).cache("k", locks.WithWait(patience))
		began := time.Now()
		free(t, one)
		refused(t, two)
		acquire(t, two)
		if took := time.Since(began); took < least-least/20 {
			t.Errorf("held for %v of %v", took, least)
		}
		release(t, two)
	})
}
