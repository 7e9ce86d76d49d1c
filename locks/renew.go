package locks

import (
	"context"
	"errors"
	"hash/fnv"
	"math/bits"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

// renewals extends the leases of a space. Leases of about one length form a
// class, which has a goroutine while some of its leases are due: a call that
// hangs delays the leases of its class only, and no deadline.
type renewals struct {
	space *space

	mu      sync.Mutex
	classes map[int]*class
}

type class struct {
	running bool
	due     []*lease
}

const (
	renewBatch   = 512 // leases in one call
	renewAtOnce  = 16  // calls at once, where the store takes one lease a call
	firstRetry   = 50 * time.Millisecond
	defaultCheck = 30 * time.Second // the period of leases without end
)

var (
	errNotRenewed = errors.New("no renewal was confirmed in time")
	errCollected  = errors.New("the Lock was dropped by the program while it was active")
)

// take hands over leases whose renewal is due.
func (r *renewals) take(due []*lease) {
	if len(due) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range due {
		n := l.class()
		c := r.classes[n]
		if c == nil {
			c = new(class)
			r.classes[n] = c
		}
		c.due = append(c.due, l)
		if !c.running {
			c.running = r.space.background.start(func() { r.run(c) })
		}
	}
}

// run renews what is due of one class, and ends when nothing is.
func (r *renewals) run(c *class) {
	var rs []driver.Request
	for {
		r.mu.Lock()
		if len(c.due) == 0 {
			c.running, c.due = false, nil
			r.mu.Unlock()
			return
		}
		n := min(len(c.due), renewBatch)
		batch := c.due[:n:n]
		c.due = c.due[n:]
		r.mu.Unlock()
		rs = r.renew(batch, rs[:0])
	}
}

// renew extends one batch in as few calls as the store can. rs is for reuse.
func (r *renewals) renew(batch []*lease, rs []driver.Request) []driver.Request {
	live := batch[:0]
	shortest := Forever
	now := clock.Now()
	for _, l := range batch {
		switch {
		case l.state.Load() != held:
		case l.collected():
			l.leak()
		default:
			length, brief := l.due()
			live = append(live, l)
			rs = append(rs, l.request(length))
			switch {
			case brief:
				length = time.Duration(l.endMono.Load() - now.Mono)
			case length == Forever:
				length = r.space.checkEvery
			}
			shortest = min(shortest, length)
		}
	}
	if len(live) == 0 {
		return rs
	}
	// Bounded, so that a hung call leaves time for another try.
	ctx, cancel := context.WithTimeout(r.space.life, max(shortest/6, firstRetry))
	defer cancel()
	began := time.Now()
	if b := r.space.batcher; b != nil {
		sent, errs := b.ExtendAll(ctx, rs)
		r.settle(live, rs, time.Since(began), func(i int) (time.Time, error) {
			if errs == nil {
				return sent, nil
			}
			return sent, errs[i]
		})
		return rs
	}
	r.oneByOne(ctx, live, rs, began)
	return rs
}

// asked returns the length that the store is asked for at present.
func (l *lease) asked() time.Duration {
	length, _ := l.due()
	return length
}

// due returns the length that the store is asked for, and whether the lease is
// brief still.
func (l *lease) due() (length time.Duration, brief bool) {
	l.space.schedule.mu.Lock()
	defer l.space.schedule.mu.Unlock()
	return l.length, l.brief
}

// class returns a number that leases of about one length share. Brief ones, whatever
// they are to become, have their own.
func (l *lease) class() int {
	length, brief := l.due()
	if brief {
		return -1
	}
	return bits.Len64(uint64(length))
}

// oneByOne serves stores that take one lease a call.
func (r *renewals) oneByOne(ctx context.Context, live []*lease, rs []driver.Request, began time.Time) {
	var g errgroup.Group
	g.SetLimit(renewAtOnce)
	for i, l := range live {
		g.Go(func() error {
			sent, err := r.space.store.Extend(ctx, rs[i])
			r.settle([]*lease{l}, rs[i:i+1], time.Since(began), func(int) (time.Time, error) { return sent, err })
			return nil
		})
	}
	_ = g.Wait() // its functions return no error: each lease was settled on its own
}

// settle carries out what the store answered about each lease.
func (r *renewals) settle(leases []*lease, rs []driver.Request, took time.Duration, answer func(int) (time.Time, error)) {
	now := clock.Now()
	s := &r.space.schedule
	observed := r.space.observer() != nil
	var failed []int
	var renewed []*lease
	s.mu.Lock()
	for i, l := range leases {
		l.inFlight = false
		if sent, err := answer(i); err != nil || l.ended(now) {
			failed = append(failed, i)
		} else {
			if observed && !l.brief {
				renewed = append(renewed, l)
			}
			l.renewedAt(clock.At(sent), rs[i].Lease, now)
		}
		s.replace(l, now.Mono)
	}
	s.mu.Unlock()
	for _, l := range renewed {
		r.space.tell(concurrent.EventRenewed, l, took, nil)
	}
	for _, i := range failed {
		_, err := answer(i)
		r.failed(leases[i], took, err)
	}
}

// renewedAt starts the lease anew. If Extend changed its length meanwhile, the
// store may have seen either request last: the earlier end counts until the
// next renewal, which is due at once. schedule.mu is held.
func (l *lease) renewedAt(sent clock.Instant, asked time.Duration, now clock.Instant) {
	l.attempts, l.brief = 0, false
	if asked == l.length {
		l.prolong(sent, asked)
		l.renewAt = l.firstRenewal(sent.Mono)
		return
	}
	l.prolong(sent, min(asked, l.length))
	l.renewAt = now.Mono
}

// failed ends a lease that the store does not know any more, and tries others
// again soon.
func (r *renewals) failed(l *lease, took time.Duration, err error) {
	switch {
	case err == nil: // the answer came after the deadline
		l.expire()
		return
	case errors.Is(err, ErrNotHeld), errors.Is(err, ErrClosed):
		l.lose(l.fail("renew", because(ErrLockLost, err)))
		return
	}
	now := clock.Now()
	s := &r.space.schedule
	s.mu.Lock()
	l.renewAt = now.Mono + int64(l.retryAfter())
	l.attempts++
	s.replace(l, now.Mono)
	s.mu.Unlock()
	r.space.tell(concurrent.EventRenewalFailed, l, took, err)
}

// retryAfter doubles from 50 ms to a sixth of the lease, less up to a tenth that
// depends on the key, so that the holders of a store that comes back do not all
// meet there.
func (l *lease) retryAfter() time.Duration {
	length := l.length
	if length == Forever {
		length = l.space.checkEvery
	}
	d := min(firstRetry<<min(l.attempts, 20), length/6)
	h := fnv.New32a()
	_, _ = h.Write([]byte(l.key)) // never fails
	return d - d/10*time.Duration(h.Sum32()%1024)/1024
}

// leak ends a lease whose Lock is gone: it is renewed no more, and the key is
// free when it ends on the store.
func (l *lease) leak() {
	l.space.schedule.remove(l)
	if l.finish(l.fail("hold", because(ErrLockLost, errCollected))) {
		if l.line != nil {
			l.line.leave(l)
		}
		l.space.tell(concurrent.EventLeaked, l, 0, errCollected)
		l.space.done()
	}
}
