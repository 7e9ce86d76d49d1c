package drivertest

import (
	"context"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var waits = []promised{
	{"a waiter is woken by a release, also through another store", wokenByRelease},
	{"a waiter is woken by the end of the lease", wokenByExpiry},
	{"a waiter is woken when the holder's store closes", wokenByClose},
	{"a waiter is woken by a Break", wokenByBreak},
	{"a free key is granted without waiting", waitForFree},
	{"Sent is that of the request that was granted", sentAfterWait},
	{"an extended lease keeps its waiters waiting", waitForExtended},
	{"a cancelled wait returns soon, with the context's error and ErrHeld", cancelledWait},
	{"a cancelled wait leaves no trace", cancelLeavesNothing},
	{"a cancel that meets a grant leaves the key held by one or free", cancelMeetsGrant},
	{"those behind a cancelled wait are served when it is gone", behindCancelled},
	{"first come, first served, where Features says FIFO", firstCome},
	{"readers wait for a writer, and are let in together", readersLetIn},
	{"a permit is waited for", waitForPermit},
	{"a permit that ends by itself wakes one that waits for it", wokenByPermitsEnd},
	{"asking in Acquire is idempotent too", acquireAgain},
	{"no lease is shorter than asked for, unless the request is Brief and waited", notBrief},
	{"a lease that is handed over is half of what was asked for at most, and can be extended", briefExtended},
	{"a lease that is handed over and not extended ends by itself", briefLeftAlone},
}

type acquireFunc func(context.Context, driver.Request) (driver.Grant, error)

// waiter returns st as a Waiter, and skips the case if it is none.
func (s *scene) waiter(st driver.Store) driver.Waiter {
	s.t.Helper()
	w, ok := st.(driver.Waiter)
	if !ok {
		s.t.Skip("this store has no driver.Waiter")
	}
	probe := s.request("can it wait")
	if _, err := w.Acquire(s.ctx, probe); err != nil {
		s.unsupported(err)
		s.fatal("Acquire of a free key: %v", err)
	}
	s.giveBack(st, probe)
	return w
}

// A waiting is an Acquire in the background.
type waiting struct {
	request driver.Request
	cancel  context.CancelFunc
	done    chan struct{} // closed when it returned, with the rest set
	grant   driver.Grant
	err     error
	at      time.Time
}

// wait has r acquired in the background, by a store that is a Waiter, and
// returns when it is known to the store as waiting, where the store can tell.
func (s *scene) wait(st driver.Store, r driver.Request) *waiting {
	s.t.Helper()
	before := s.waitersOf(st, r.Key)
	w := s.start(st, r)
	if before >= 0 {
		s.soon("Inspect shows one more waiter", func() bool { return w.over() || s.waitersOf(st, r.Key) > before })
	} else {
		<-time.After(s.h.Lease / 4)
	}
	return w
}

func (s *scene) start(st driver.Store, r driver.Request) *waiting {
	ctx, cancel := context.WithCancel(s.ctx)
	w := &waiting{request: r, cancel: cancel, done: make(chan struct{})}
	s.t.Cleanup(cancel)
	go func() {
		defer close(w.done)
		w.grant, w.err = st.(driver.Waiter).Acquire(ctx, r)
		w.at = time.Now()
	}()
	return w
}

// waitersOf returns how many wait for key, −1 if the store can't tell.
func (s *scene) waitersOf(st driver.Store, key string) int {
	i, ok := st.(driver.Inspector)
	if !ok {
		return -1
	}
	info, err := i.Inspect(s.ctx, key)
	if err != nil {
		return -1
	}
	return info.Waiters
}

func (w *waiting) over() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// returns waits until the Acquire has returned.
func (s *scene) returns(w *waiting) {
	s.t.Helper()
	select {
	case <-w.done:
	case <-time.After(s.h.Patience):
		s.fatal("the Acquire of %s by %s has not returned within %v", show(w.request.Key), w.request.Owner, s.h.Patience)
	}
}

// granted waits until the Acquire has succeeded.
func (s *scene) granted(w *waiting) driver.Grant {
	s.t.Helper()
	s.returns(w)
	if w.err != nil {
		s.fatal("the Acquire of %s by %s: %v", show(w.request.Key), w.request.Owner, w.err)
	}
	return w.grant
}

// waits checks that the Acquire has not returned.
func (s *scene) waits(w *waiting) {
	s.t.Helper()
	if w.over() {
		s.fatal("the Acquire of %s by %s returned while the key was held: %v", show(w.request.Key), w.request.Owner, w.err)
	}
}

func wokenByRelease(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	for _, releaser := range []driver.Store{st, other} {
		holder := s.request("k")
		s.take(releaser, holder)
		w := s.wait(st, s.request("k"))
		s.waits(w)
		s.giveBack(releaser, holder)
		s.granted(w)
		s.refused(other, s.request("k"))
		s.giveBack(st, w.request)
	}
}

func wokenByExpiry(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	g := s.take(other, lasting(s.h.Lease, s.request("k")))
	w := s.start(st, s.request("k"))
	s.granted(w)
	if after := w.at.Sub(g.Sent); after < s.h.Lease {
		s.broken("granted %v after Sent, the holder's lease was %v", after, s.h.Lease)
	}
}

func wokenByClose(s *scene) {
	st, holder := s.open(), s.open()
	s.waiter(st)
	s.take(holder, s.request("k"))
	w := s.wait(st, s.request("k"))
	s.waits(w)
	if err := holder.Close(); err != nil {
		s.broken("Close: %v", err)
	}
	s.granted(w)
}

func wokenByBreak(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	i := s.inspector(other)
	s.take(other, lasting(driver.Forever, s.request("k")))
	w := s.wait(st, s.request("k"))
	if _, err := i.Break(s.ctx, "k"); err != nil {
		s.unsupported(err)
		s.fatal("Break: %v", err)
	}
	s.granted(w)
}

func waitForFree(s *scene) {
	st := s.open()
	s.waiter(st)
	s.granted(s.start(st, s.request("k")))
}

func sentAfterWait(s *scene) {
	st := s.open()
	s.between(s.waiter(st).Acquire, s.request("free"))
	holder := lasting(s.h.Lease, s.request("k"))
	g := s.take(st, holder)
	w := s.start(st, lasting(2*s.h.Lease, s.request("k")))
	next := s.granted(w)
	if next.Sent.After(w.at) {
		s.broken("Sent is %v after Acquire returned", next.Sent.Sub(w.at))
	}
	_, at := s.takenLate(st, s.request("k"))
	if after := at.Sub(next.Sent); after < 2*s.h.Lease {
		s.broken("a lease of %v that was waited for ended %v after its Sent", 2*s.h.Lease, after)
	}
	if next.Sent.Before(g.Sent) {
		s.broken("Sent is before the holder's")
	}
}

func waitForExtended(s *scene) {
	st := s.open()
	s.waiter(st)
	holder := lasting(s.h.Lease, s.request("k"))
	s.take(st, holder)
	w := s.wait(st, s.request("k"))
	at, err := st.Extend(s.ctx, lasting(3*s.h.Lease, holder))
	if err != nil {
		s.fatal("Extend: %v", err)
	}
	s.granted(w)
	if after := w.at.Sub(at); after < 3*s.h.Lease {
		s.broken("granted %v after the holder extended its lease by %v", after, 3*s.h.Lease)
	}
}

func firstCome(s *scene) {
	st := s.open()
	s.waiter(st)
	if !st.Features().FIFO {
		s.t.Skip("this store serves waiters in any order: Features().FIFO is false")
	}
	if s.waitersOf(st, "k") < 0 {
		s.t.Skip("this store can't tell who waits: the order in which they came can't be known")
	}
	holder := s.request("k")
	s.take(st, holder)
	var line []*waiting
	for i := range 20 {
		r := s.request("k")
		r.Brief = i%3 != 0
		line = append(line, s.wait(st, r))
	}
	s.giveBack(st, holder)
	for i, w := range line {
		s.granted(w)
		if j := slices.IndexFunc(line[i+1:], (*waiting).over); j >= 0 {
			s.fatal("number %d in line was served before number %d", i+1+j, i)
		}
		s.giveBack(st, w.request)
	}
}

func readersLetIn(s *scene) {
	st := s.open()
	s.waiter(st)
	writer := s.request("k")
	s.take(st, writer)
	var readers []*waiting
	for range 5 {
		readers = append(readers, s.wait(st, in(driver.Shared, s.request("k"))))
	}
	s.giveBack(st, writer)
	for _, r := range readers {
		s.granted(r) // none is given back before the last is in
	}
	s.refused(st, s.request("k"))
}

func waitForPermit(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	mode := driver.Slots(2)
	one, two := in(mode, s.request("k")), in(mode, s.request("k"))
	s.take(st, one)
	s.take(other, two)
	w := s.wait(st, in(mode, s.request("k")))
	s.waits(w)
	s.giveBack(other, two)
	s.granted(w)
	s.refused(other, in(mode, s.request("k")))
}

func wokenByPermitsEnd(s *scene) {
	st, other := s.open(), s.open()
	s.waiter(st)
	mode := driver.Slots(2)
	s.take(st, in(mode, s.request("k")))
	g := s.take(other, lasting(s.h.Lease, in(mode, s.request("k"))))
	w := s.start(st, in(mode, s.request("k")))
	s.granted(w)
	if after := w.at.Sub(g.Sent); after < s.h.Lease {
		s.broken("granted %v after Sent, the permit's lease was %v", after, s.h.Lease)
	}
	s.refused(other, in(mode, s.request("k")))
}

func acquireAgain(s *scene) {
	st := s.open()
	waiter := s.waiter(st)
	r := s.request("k")
	first, err := waiter.Acquire(s.ctx, r)
	if err != nil {
		s.fatal("Acquire: %v", err)
	}
	again := s.granted(s.start(st, r))
	if first.Token != again.Token {
		s.broken("token %d, then %d", first.Token, again.Token)
	}
	s.giveBack(st, r)
	s.free(st, "k")
}
