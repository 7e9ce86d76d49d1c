package redis

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/wakeup"
)

const (
	// A waiter that hears nothing looks again after fallback, and up to half
	// as much later: its message may be lost, or those before it frozen.
	fallback = 700 * time.Millisecond
	// afterEnd is how long after the end of a lease the first waiter looks,
	// and apart by how much later each of the others.
	afterEnd = time.Millisecond
	apart    = 10 * time.Millisecond
	// behind is how much later a waiter looks again for each of those before it, and
	// mostBehind the most: its turn comes later, and the server has many of them.
	behind     = time.Millisecond
	mostBehind = 500 * time.Millisecond
	// patience is for how long a wait goes on while the server can't be had.
	patience = 5 * time.Second
	// handedOff is how long a lease lasts that is handed off to a waiter: the scripts
	// know it. The waiter takes it if it asked no longer ago than inTime.
	handedOff = time.Second
	inTime    = handedOff / 4
	// goodbye is how long a wait that ended stays to hear that it has left the
	// queue.
	goodbye = 100 * time.Millisecond
)

// Acquire waits in the key's queue on the server. It looks first, stands in the
// queue from then on, and looks again whenever a message says that its turn has
// come, when the lease that it waits for ends, and now and then. A server that
// can't be had for a few seconds does not end the wait.
func (s *Store) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.checkLease(&r); err != nil {
		return driver.Grant{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Grant{}, err
	}
	defer s.end()
	w := wait{store: s, waiter: s.wakeup.Enter(), request: &r}
	defer s.wakeup.Exit(w.waiter)
	return w.run(ctx)
}

// A wait is one Acquire while it waits.
type wait struct {
	waiter  *wakeup.Waiter
	store   *Store
	request *driver.Request
	queued  bool      // it may be in the queue
	place   int64     // there; 0: not known
	since   time.Time // when the server was found to be away; zero: it is not
}

func (w *wait) run(ctx context.Context) (driver.Grant, error) {
	timer := time.NewTimer(driver.Forever)
	defer timer.Stop()
	deaf := false // the subscription did not listen, although it had time to
	for {
		name := ""
		live, change, _ := w.store.wakeup.Status()
		if live || deaf {
			name, change, w.queued = w.name(), nil, true
		}
		a := w.store.ask(ctx, w.request, name)
		if a.err == nil {
			return a.grant, nil
		}
		w.place = a.place
		pause, on := w.next(&a)
		if !on {
			return driver.Grant{}, w.giveUp(ctx, &a, a.err)
		}
		timer.Reset(pause)
		select {
		case <-w.waiter.Wake:
			if g, ok := w.takeHandOff(&a); ok {
				return g, nil
			}
		case <-change:
		case <-timer.C:
			deaf = change != nil
		case <-ctx.Done():
			return driver.Grant{}, w.giveUp(ctx, &a, ctx.Err())
		case <-w.store.closed:
			return driver.Grant{}, w.giveUp(ctx, &a, driver.ErrClosed)
		}
	}
}

// name returns the waiter's name with what the server is to know of its place: that it has
// none yet, or where it was.
func (w *wait) name() string {
	switch {
	case !w.queued:
		return w.waiter.Name + newcomer
	case w.place != 0:
		return w.waiter.Name + strconv.FormatInt(w.place, 10)
	}
	return w.waiter.Name
}

// takeHandOff returns the lease that was handed off to the waiter since a, if it was.
//
// Of when that was it knows only that it was later than the server looked at a:
// another token was the newest then. So the lease may have begun when a left, and
// of one that may have begun too long ago, or is the rest of an earlier turn, nothing
// is believed: asking again shows what became of it.
func (w *wait) takeHandOff(a *asked) (driver.Grant, bool) {
	token := w.waiter.HandedOff()
	if a.last == 0 || token <= a.last || time.Since(a.sent) > inTime {
		return driver.Grant{}, false
	}
	g, err := w.store.granted(w.request, token, a.sent)
	g.Lease = handedOff
	return g, err == nil // else the store was closed, which asking again shows too
}

// next returns how long to wait for a message, and whether to wait at all.
func (w *wait) next(a *asked) (time.Duration, bool) {
	pause := fallback + time.Duration(rand.Int64N(int64(fallback/2)))
	if held, ok := errors.AsType[*driver.HeldError](a.err); ok {
		w.since = time.Time{}
		if told := w.request.OnHeld; told != nil {
			told(held)
		}
		pause += min(mostBehind, time.Duration(a.before)*behind)
		return min(pause, held.For+afterEnd+time.Duration(a.before)*apart), true
	}
	if _, away := errors.AsType[temporaryError](a.err); !away || a.pending != nil {
		return 0, false
	}
	now := time.Now()
	if w.since.IsZero() {
		w.since = now
	}
	return pause / 4, now.Sub(w.since) < patience
}

// giveUp leaves the queue, gives back what the last request may have been
// granted, and returns err, with ErrHeld if ctx ended and nothing was granted.
// It waits for that only a moment, and goes on with it in the background.
func (w *wait) giveUp(ctx context.Context, a *asked, err error) error {
	certain := !a.again
	if w.queued || a.again {
		gone := make(chan bool, 1)
		w.store.cleaning.Go(func() { gone <- w.store.giveBack(*w.request, w.name(), a.pending) })
		timer := time.NewTimer(goodbye)
		defer timer.Stop()
		select {
		case ok := <-gone:
			certain = certain || ok
		case <-timer.C:
		}
	}
	if certain && ctx.Err() != nil && !errors.Is(err, driver.ErrHeld) {
		return errors.Join(driver.ErrHeld, err)
	}
	return err
}
