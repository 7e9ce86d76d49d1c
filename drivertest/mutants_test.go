package drivertest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A mutation makes a driver that breaks one promise. The suite must find the case
// that is about it broken.
type mutation struct {
	topic, promise string
	mutate         func(*mutant)
}

var mutants = map[string]mutation{
	"refuses in other words": {"exclusion", "a key is granted to one exclusive owner at a time, whichever store is asked", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if errors.Is(err, driver.ErrHeld) {
				err = errors.New("taken")
			}
			return g, err
		}
	}},
	"each store its own": {"exclusion", "64 goroutines on three stores never hold a key at once, and see its tokens grow", func(m *mutant) {
		prefix := string(rune('a' + stores.Add(1)%26))
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Key = prefix + r.Key
			return m.Store.TryAcquire(ctx, r)
		}
		m.release = func(ctx context.Context, r driver.Request) error {
			r.Key = prefix + r.Key
			return m.Store.Release(ctx, r)
		}
	}},
	"releases for anybody": {"owner", "only the owner can release", func(m *mutant) {
		owners := watchOwners(m)
		m.release = func(ctx context.Context, r driver.Request) error {
			r.Owner = owners.of(r)
			return m.Store.Release(ctx, r)
		}
	}},
	"extends for anybody": {"owner", "only the owner can extend", func(m *mutant) {
		owners := watchOwners(m)
		m.extend = func(ctx context.Context, r driver.Request) (time.Time, error) {
			r.Owner = owners.of(r)
			return m.Store.Extend(ctx, r)
		}
	}},
	"releases the next holder's": {"owner", "a stale owner never touches the next holder", func(m *mutant) {
		owners := watchOwners(m)
		m.release = func(ctx context.Context, r driver.Request) error {
			r.Owner = owners.of(r)
			return m.Store.Release(ctx, r)
		}
	}},
	"refuses its own owner": {"owner", "asking again as the owner is the same grant, with the same token", func(m *mutant) {
		owners := watchOwners(m)
		try := m.tryAcquire
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			if owners.of(r) == r.Owner && owners.known(r) {
				return driver.Grant{}, &driver.HeldError{}
			}
			return try(ctx, r)
		}
	}},
	"ends leases early": {"lease", "a lease ends by itself, not before it is over and soon after", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Lease -= r.Lease / 10
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"never ends leases": {"lease", "a lease ends by itself, not before it is over and soon after", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Lease = driver.Forever
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"counts from the reply": {"lease", "Sent is just before the request left, on the monotonic clock", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			g.Sent = g.Sent.Add(time.Millisecond)
			return g, err
		}
	}},
	"revives what has ended": {"lease", "Extend after the end is ErrNotHeld and revives nothing", func(m *mutant) {
		m.extend = func(ctx context.Context, r driver.Request) (time.Time, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			return g.Sent, err
		}
	}},
	"releases what has ended": {"lease", "Release after the end is ErrNotHeld", func(m *mutant) {
		m.release = func(ctx context.Context, r driver.Request) error {
			err := m.Store.Release(ctx, r)
			if errors.Is(err, driver.ErrNotHeld) {
				err = nil
			}
			return err
		}
	}},
	"takes any lease": {"lease", "a lease below MinLease is refused", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Lease = max(r.Lease, m.Store.Features().MinLease)
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"gives one token to all": {"token", "tokens grow across release, spare ones included", func(m *mutant) {
		m.tryAcquire = changeGrant(m, func(g *driver.Grant) { g.Token = 7 })
	}},
	"gives more spare tokens than it has": {"token", "tokens grow across release, spare ones included", func(m *mutant) {
		m.tryAcquire = changeGrant(m, func(g *driver.Grant) { g.Spare = 1 << 20 })
	}},
	"gives no tokens": {"token", "tokens are below 1<<63, and not 0 where Features says Fencing", func(m *mutant) {
		m.tryAcquire = changeGrant(m, func(g *driver.Grant) { g.Token, g.Spare = 0, 0 })
	}},
	"starts tokens anew when opened": {"token", "tokens grow across closing and opening", func(m *mutant) {
		var given atomic.Uint64
		m.tryAcquire = changeGrant(m, func(g *driver.Grant) { g.Token, g.Spare = given.Add(1), 0 })
	}},
	"lets readers in beside a writer": {"mode", "no writer beside a reader, and no reader beside a writer", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			if r.Mode == driver.Shared {
				r.Key = "readers of " + r.Key
			}
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"has a permit too many": {"mode", "a semaphore grants as many permits as it has, and no more", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			if n := r.Mode.Slots(); n > 0 {
				r.Mode = driver.Slots(n + 1)
			}
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"lets each mode have the key": {"mode", "one key used in two ways is never granted both ways", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Key = r.Mode.String() + r.Key
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"starves writers": {"mode", "a waiting writer is not starved by readers", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if info, _ := m.Store.Inspect(ctx, r.Key); err != nil && r.Mode == driver.Shared && readersOnly(info) {
				return driver.Grant{Token: 1, Sent: time.Now()}, nil
			}
			return g, err
		}
	}},
	"loses wake-ups": {"wait", "a waiter is woken by a release, also through another store", func(m *mutant) {
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if errors.Is(err, driver.ErrHeld) {
				<-ctx.Done()
			}
			return g, err
		}
	}},
	"serves the last first": {"wait", "first come, first served, where Features says FIFO", func(m *mutant) {
		m.acquire = lastFirst(m)
		m.inspect = func(ctx context.Context, key string) (driver.Info, error) {
			info, err := m.Store.Inspect(ctx, key)
			info.Waiters = int(waitingNow.Load())
			return info, err
		}
	}},
	"hands over what was not asked for": {"wait", "no lease is shorter than asked for, unless the request is Brief and waited", func(m *mutant) {
		m.acquire = handsOver(m, func(driver.Request) time.Duration { return time.Second })
	}},
	"hands over too much": {"wait", "a lease that is handed over is half of what was asked for at most, and can be extended", func(m *mutant) {
		m.acquire = handsOver(m, func(r driver.Request) time.Duration { return r.Lease })
	}},
	"ends what it handed over early": {"wait", "a lease that is handed over and not extended ends by itself", func(m *mutant) {
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Lease = time.Second / 4
			return handsOver(m, func(driver.Request) time.Duration { return time.Second })(ctx, r)
		}
	}},
	"leaves cancelled waiters in line": {"wait", "a cancelled wait leaves no trace", func(m *mutant) {
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			type result struct {
				driver.Grant
				error
			}
			done := make(chan result, 1)
			go func() {
				g, err := m.Store.Acquire(context.WithoutCancel(ctx), r)
				done <- result{g, err}
			}()
			select {
			case r := <-done:
				return r.Grant, r.error
			case <-ctx.Done():
				return driver.Grant{}, errors.Join(driver.ErrHeld, ctx.Err())
			}
		}
	}},
	"keeps nothing": {"keep", "a kept key stays held until its lease would have ended", func(m *mutant) {
		m.keep = m.Store.Release
	}},
	"shows no holders": {"inspect", "Inspect shows who holds a key, in which mode, with which token, since when and until when", func(m *mutant) {
		m.inspect = func(_ context.Context, key string) (driver.Info, error) { return driver.Info{Key: key}, nil }
	}},
	"lists every key": {"inspect", "List yields the held keys with a prefix, and no others", func(m *mutant) {
		m.list = func(ctx context.Context, _ string) iter.Seq2[driver.Info, error] { return m.Store.List(ctx, "") }
	}},
	"breaks nothing": {"break", "Break ends every lease, and tells whom it broke", func(m *mutant) {
		m.breaks = m.Store.Inspect
	}},
	"tells nobody of a loss": {"loss", "a holder is told of a Break through another store, once", func(m *mutant) {
		m.notifyLost = func(func(driver.Loss)) func() { return func() {} }
	}},
	"claims to have extended all": {"batch", "ExtendAll tells which leases it did not extend, and extends the others", func(m *mutant) {
		m.extendAll = func(ctx context.Context, rs []driver.Request) (time.Time, []error) {
			sent, _ := m.Store.ExtendAll(ctx, rs)
			return sent, nil
		}
	}},
	"takes the empty key": {"key", "a key that is empty or too long is ErrInvalidRequest", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			if r.Key == "" {
				r.Key = "the empty key"
			}
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"ignores case": {"key", "keys that differ in one bit, or in case, or by a space, are different keys", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			r.Key = strings.ToLower(r.Key)
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"ignores contexts": {"context", "a call whose context has ended does nothing, and says so", func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			return m.Store.TryAcquire(context.WithoutCancel(ctx), r)
		}
	}},
	"changes its features": {"features", "Features makes sense and never changes", func(m *mutant) {
		var asked atomic.Int64
		m.features = func() driver.Features {
			f := m.Store.Features()
			f.MinLease += time.Duration(asked.Add(1))
			return f
		}
	}},
	"keeps its leases when closed": {"close", "Close gives back what was granted through the store, and nothing else", func(m *mutant) {
		m.close = func() error { return nil }
	}},
	"leaves waiters waiting when closed": {"close", "Close ends waits with ErrClosed", func(m *mutant) {
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.Acquire(ctx, r)
			if errors.Is(err, driver.ErrClosed) {
				<-ctx.Done()
			}
			return g, err
		}
	}},
}

var (
	stores     atomic.Int64
	waitingNow atomic.Int64
)

// changeGrant is TryAcquire with another grant.
func changeGrant(m *mutant, change func(*driver.Grant)) func(context.Context, driver.Request) (driver.Grant, error) {
	return func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		g, err := m.Store.TryAcquire(ctx, r)
		if err == nil {
			change(&g)
		}
		return g, err
	}
}

func readersOnly(info driver.Info) bool {
	return len(info.Holders) > 0 && info.Holders[0].Mode == driver.Shared
}

// lastFirst has only the one who came last ask, again and again.
func lastFirst(m *mutant) func(context.Context, driver.Request) (driver.Grant, error) {
	var mu sync.Mutex
	var line []string
	last := func(r driver.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		return line[len(line)-1] == r.Owner
	}
	return func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		mu.Lock()
		line = append(line, r.Owner)
		mu.Unlock()
		waitingNow.Add(1)
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			line = slices.DeleteFunc(line, func(owner string) bool { return owner == r.Owner })
			waitingNow.Add(-1)
		}()
		for {
			if last(r) {
				if g, err := m.Store.TryAcquire(ctx, r); !errors.Is(err, driver.ErrHeld) {
					return g, err
				}
			}
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return driver.Grant{}, errors.Join(driver.ErrHeld, ctx.Err())
			}
		}
	}
}

// owners knows who was granted a key last.
type owners struct {
	mu   sync.Mutex
	last map[string]string
}

func watchOwners(m *mutant) *owners {
	o := &owners{last: make(map[string]string)}
	m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		g, err := m.Store.TryAcquire(ctx, r)
		if err == nil {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.last[r.Key] = r.Owner
		}
		return g, err
	}
	return o
}

func (o *owners) known(r driver.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last[r.Key] != ""
}

// of returns the owner of r's key, r's own if nobody was ever granted it.
func (o *owners) of(r driver.Request) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if last := o.last[r.Key]; last != "" {
		return last
	}
	return r.Owner
}

// handsOver says of every grant how long it lasts, whatever it does.
func handsOver(m *mutant, lasts func(driver.Request) time.Duration) func(context.Context, driver.Request) (driver.Grant, error) {
	return func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		g, err := m.Store.Acquire(ctx, r)
		g.Lease = lasts(r)
		return g, err
	}
}
