// Package keepalive extends the leases whose renewal is due, in as few calls as the
// store can. Leases of one class have a goroutine while some of them are due: a call
// that hangs delays the leases of its class only.
package keepalive

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	batchSize = 512 // leases in one call
	atOnce    = 16  // calls at once, where the store takes one lease a call
	// LeastCall is how long a call may take at least, however short the leases.
	LeastCall = 50 * time.Millisecond
)

// A Lease is one that is kept alive. Each may be of a type of its own.
type Lease interface {
	// Class is a number that leases share which may be renewed in one call.
	Class() int
	// Begin returns what the store is asked for, and how long the lease lasts
	// without: 0 if it need not be renewed any more. Renewed or Failed follows.
	Begin() (r driver.Request, left time.Duration)
	// Renewed is told that the store extended the lease by a request that left at
	// sent, and how long the call took.
	Renewed(sent time.Time, took time.Duration)
	// Failed is told why it was not.
	Failed(err error, took time.Duration)
}

// A Store is what extends leases: a driver.Store, and its Batcher where it has one.
type Store struct {
	Extend    func(ctx context.Context, r driver.Request) (time.Time, error)
	ExtendAll func(ctx context.Context, rs []driver.Request) (time.Time, []error) // or nil
}

// A Renewer extends the leases of one store.
type Renewer[L Lease] struct {
	store Store
	start func(func()) bool
	life  context.Context

	mu      sync.Mutex
	classes map[int]*class[L]
}

type class[L Lease] struct {
	running bool
	due     []L
}

// New returns a Renewer that runs as long as life does, in goroutines that start
// starts.
func New[L Lease](life context.Context, store Store, start func(func()) bool) *Renewer[L] {
	return &Renewer[L]{store: store, start: start, life: life, classes: make(map[int]*class[L])}
}

// Renew has leases extended soon. It keeps due.
func (r *Renewer[L]) Renew(due ...L) {
	if len(due) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range due {
		n := l.Class()
		c := r.classes[n]
		if c == nil {
			c = new(class[L])
			r.classes[n] = c
		}
		c.due = append(c.due, l)
		if !c.running {
			c.running = r.start(func() { r.run(c) })
		}
	}
}

// run renews what is due of one class, and ends when nothing is.
func (r *Renewer[L]) run(c *class[L]) {
	var b batch[L]
	for {
		r.mu.Lock()
		if len(c.due) == 0 {
			c.running, c.due = false, nil
			r.mu.Unlock()
			return
		}
		n := min(len(c.due), batchSize)
		due := c.due[:n:n]
		c.due = c.due[n:]
		r.mu.Unlock()
		b.renew(r, due)
	}
}

// A batch is what one call extends; its memory is used again.
type batch[L Lease] struct {
	leases   []L
	requests []driver.Request
}

func (b *batch[L]) renew(r *Renewer[L], due []L) {
	b.leases, b.requests = b.leases[:0], b.requests[:0]
	shortest := driver.Forever
	for _, l := range due {
		if request, left := l.Begin(); left > 0 {
			b.leases, b.requests = append(b.leases, l), append(b.requests, request)
			shortest = min(shortest, left)
		}
	}
	if len(b.leases) == 0 {
		return
	}
	// Bounded, so that a hung call leaves time for another try.
	ctx, cancel := context.WithTimeout(r.life, max(shortest/6, LeastCall))
	defer cancel()
	if r.store.ExtendAll == nil {
		b.oneByOne(ctx, r)
		return
	}
	began := time.Now()
	sent, errs := b.extendAll(ctx, r)
	took := time.Since(began)
	for i, l := range b.leases {
		if errs == nil || errs[i] == nil {
			l.Renewed(sent, took)
		} else {
			l.Failed(errs[i], took)
		}
	}
	clear(b.leases)
}

// extendAll asks for the whole batch. A driver that panics has failed.
func (b *batch[L]) extendAll(ctx context.Context, r *Renewer[L]) (sent time.Time, errs []error) {
	defer func() {
		var err error
		if p := recover(); p != nil {
			err = panicked(p)
		} else if errs != nil && len(errs) != len(b.leases) {
			err = fmt.Errorf("%w: the driver answered %d of %d renewals", driver.ErrUnavailable, len(errs), len(b.leases))
		}
		if err != nil {
			errs = make([]error, len(b.leases))
			for i := range errs {
				errs[i] = err
			}
		}
	}()
	return r.store.ExtendAll(ctx, b.requests)
}

// oneByOne serves stores that take one lease a call.
func (b *batch[L]) oneByOne(ctx context.Context, r *Renewer[L]) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, l := range b.leases {
		g.Go(func() error {
			began := time.Now()
			sent, err := extend(ctx, r.store, b.requests[i])
			if took := time.Since(began); err == nil {
				l.Renewed(sent, took)
			} else {
				l.Failed(err, took)
			}
			return nil
		})
	}
	_ = g.Wait() // its functions return no error: each lease was told its own
	clear(b.leases)
}

func extend(ctx context.Context, s Store, r driver.Request) (sent time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return s.Extend(ctx, r)
}

func panicked(p any) error {
	return fmt.Errorf("%w: the driver panicked: %v", driver.ErrUnavailable, p)
}
