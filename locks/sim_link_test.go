package locks

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A link is one process's way to the server. Every call is two messages; each
// takes its time, may be lost, which the caller hears of a second later, and
// waits while the process is cut off.
type link struct {
	world *world
	name  string
	dead  context.Context // ends when the process crashes
	kill  context.CancelFunc

	mu     sync.Mutex
	cutTo  time.Time // cut off until then
	owners map[string]bool
}

var errCutLine = errors.New("simulated network: the connection broke")

func newLink(w *world, name string) *link {
	l := &link{world: w, name: name, owners: make(map[string]bool)}
	l.dead, l.kill = context.WithCancel(w.over)
	return l
}

func (l *link) cut(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutTo = time.Now().Add(d)
}

func (l *link) cutUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cutTo
}

// travel is one message's way, and reports whether it arrived. What was held up
// by a cut goes on when that is over, each message at its own pace.
func (l *link) travel(pace time.Duration) bool {
	for d := pace; ; {
		select {
		case <-time.After(d):
		case <-l.dead.Done():
			return false
		}
		left := time.Until(l.cutUntil())
		if left <= 0 {
			return true
		}
		d = left + pace
	}
}

// call carries do out on the server. Its reply may come after the caller gave
// up, and do be carried out then too.
func (l *link) call(ctx context.Context, what string, r driver.Request, do func(context.Context) error) error {
	random := l.world.random(l.name, what, r.Key, l.world.now())
	delay := func() time.Duration {
		d := time.Duration(random.Int64N(int64(10 * time.Millisecond)))
		if random.IntN(20) == 0 {
			d *= 200
		}
		return d
	}
	there, back := delay(), delay()
	thereLost, backLost := l.world.loses(random), l.world.loses(random)
	done := make(chan error, 1)
	server, leave := context.WithCancel(l.dead)
	go func() {
		defer leave()
		if !l.travel(there) {
			return
		}
		if thereLost {
			done <- l.broke()
			return
		}
		err := do(server)
		if !l.travel(back) {
			return
		}
		if backLost {
			err = l.broke()
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		go func() { // that the caller gave up is a message too
			if l.travel(there) {
				leave()
			}
		}()
		return ctx.Err()
	}
}

// broke is how a caller hears of a lost message.
func (l *link) broke() error {
	select {
	case <-time.After(time.Second):
	case <-l.dead.Done():
	}
	return errCutLine
}

// onServer is a lease as the server's clock counts it.
func (l *link) onServer(r driver.Request) driver.Request {
	if r.Lease != driver.Forever {
		r.Lease = time.Duration(float64(r.Lease) / l.world.rate)
	}
	return r
}

func (l *link) grant(
	ctx context.Context, what string, r driver.Request,
	acquire func(context.Context, driver.Request) (driver.Grant, error),
) (driver.Grant, error) {
	l.mu.Lock()
	l.owners[r.Owner] = true
	l.mu.Unlock()
	sent := time.Now()
	var g driver.Grant // set before a call that succeeds returns, and not read after others
	err := l.call(ctx, what, r, func(server context.Context) error {
		got, err := acquire(server, l.onServer(r))
		if err == nil {
			l.world.granted(r.Key, r.Mode, got)
		}
		if errors.Is(err, driver.ErrClosed) {
			err = errCutLine // the server started anew
		}
		g = got
		return err
	})
	if err != nil {
		return driver.Grant{}, err
	}
	if what == "try" {
		g.Sent = sent
	} // else when the server granted it: no clock can know it better
	return g, nil
}

func (l *link) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	return l.grant(ctx, "try", r, func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		return l.world.store().TryAcquire(ctx, r)
	})
}

func (l *link) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	sent := time.Now()
	err := l.call(ctx, "extend", r, func(ctx context.Context) error {
		_, err := l.world.store().Extend(ctx, l.onServer(r))
		return err
	})
	return sent, err
}

func (l *link) Release(ctx context.Context, r driver.Request) error {
	return l.call(ctx, "release", r, func(ctx context.Context) error {
		return l.world.store().Release(ctx, r)
	})
}

func (l *link) Features() driver.Features {
	return driver.Features{Fencing: true, MinLease: 10 * time.Millisecond}
}

func (l *link) Close() error { return nil }

// A fullLink can do everything.
type fullLink struct{ *link }

func (l fullLink) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	return l.grant(ctx, "acquire", r, func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		return l.world.store().Acquire(ctx, r)
	})
}

func (l fullLink) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent := time.Now()
	rs = slices.Clone(rs) // the caller reuses them, and the call may outlast this one
	errs := make([]error, len(rs))
	err := l.call(ctx, "extend all", driver.Request{Key: rs[0].Key}, func(ctx context.Context) error {
		for i, r := range rs {
			_, errs[i] = l.world.store().Extend(ctx, l.onServer(r))
		}
		return nil
	})
	if err != nil {
		return sent, slices.Repeat([]error{err}, len(rs))
	}
	return sent, errs
}

func (l fullLink) Keep(ctx context.Context, r driver.Request) error {
	return l.call(ctx, "keep", r, func(ctx context.Context) error {
		return l.world.store().Keep(ctx, l.onServer(r))
	})
}

func (l fullLink) Inspect(ctx context.Context, key string) (driver.Info, error) {
	return l.world.store().Inspect(ctx, key)
}

func (l fullLink) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return l.world.store().List(ctx, prefix)
}

func (l fullLink) Break(ctx context.Context, key string) (driver.Info, error) {
	return l.world.store().Break(ctx, key)
}

// NotifyLost tells of losses of this process's owners, after a message's time.
func (l fullLink) NotifyLost(f func(driver.Loss)) func() {
	return l.world.store().NotifyLost(func(loss driver.Loss) {
		l.mu.Lock()
		mine := l.owners[loss.Owner]
		l.mu.Unlock()
		if mine {
			go func() {
				if l.travel(time.Millisecond) {
					f(loss)
				}
			}()
		}
	})
}

var (
	_ driver.Store     = (*link)(nil)
	_ driver.Waiter    = fullLink{}
	_ driver.Batcher   = fullLink{}
	_ driver.Keeper    = fullLink{}
	_ driver.Inspector = fullLink{}
	_ driver.Notifier  = fullLink{}
)
