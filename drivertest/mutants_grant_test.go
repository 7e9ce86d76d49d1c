package drivertest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	keepAgrees = "CheckKeep agrees with Keep"
	pingAgrees = "Ping is nil where a lock can be had, and holds nothing"
	heldByOne  = "a refusal that names a holder names one who holds the key"
	namesOne   = "a refusal names the holder and since when, where the harness says so"
)

// grantMutants say what is not so: of tokens, of holders, of what they can do.
var grantMutants = map[string]mutation{
	"gives readers the token 1": {"token", "tokens of readers and permits are larger than the exclusive ones before them", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if r.Mode != driver.Exclusive && err == nil {
				g.Token, g.Spare = 1, 0
			}
			return g, err
		}
	}},
	"has more spare tokens for who asks again": {"token", "the Spare of a grant that is asked for again is that grant's", func(m *mutant) {
		var asked sync.Map
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if _, again := asked.LoadOrStore(r.Owner, true); again {
				g.Spare = 1 << 20
			}
			return g, err
		}
	}},
	"has tokens that its Features deny": {"token", "a store without Fencing has no tokens", func(m *mutant) {
		m.features = func() driver.Features {
			f := m.Store.Features()
			f.Fencing = false
			return f
		}
	}},
	"names the one who asks as the holder": {"exclusion", heldByOne, func(m *mutant) {
		m.tryAcquire = renamed(m, func(asks driver.Holder) driver.Holder { return asks })
	}},
	"names a holder that is gone": {"exclusion", heldByOne, func(m *mutant) {
		m.tryAcquire = renamed(m, func(driver.Holder) driver.Holder { return driver.Holder{Host: "host", PID: 1, Label: "reader"} })
	}},
	"names nobody": {"exclusion", namesOne, func(m *mutant) {
		m.tryAcquire = renamed(m, func(driver.Holder) driver.Holder { return driver.Holder{} })
	}},
	"says that it can keep, and can't": {"keep", keepAgrees, func(m *mutant) {
		m.keep = func(context.Context, driver.Request) error { return driver.ErrUnsupported }
	}},
	"says that it can't keep, and does": {"keep", keepAgrees, func(m *mutant) {
		m.checkKeep = func(context.Context) error { return fmt.Errorf("%w: no room", driver.ErrUnsupported) }
	}},
	"is never there": {"features", pingAgrees, func(m *mutant) {
		m.ping = func(context.Context) error { return driver.ErrUnavailable }
	}},
	"is there after Close": {"features", pingAgrees, func(m *mutant) {
		m.ping = func(ctx context.Context) error { return ctx.Err() }
	}},
	"holds what it pings with": {"features", pingAgrees, func(m *mutant) {
		m.ping = func(ctx context.Context) error {
			_, err := m.Store.TryAcquire(ctx, driver.Request{Key: "ping", Owner: "ping", Lease: driver.Forever})
			return err
		}
	}},
}

// renamed is TryAcquire whose refusals name another holder, made of who asks.
func renamed(m *mutant, other func(asks driver.Holder) driver.Holder) func(context.Context, driver.Request) (driver.Grant, error) {
	return func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		g, err := m.Store.TryAcquire(ctx, r)
		if held, ok := errors.AsType[*driver.HeldError](err); ok {
			held.Holder = other(r.Holder)
		}
		return g, err
	}
}
