package file

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A waiter is somebody who waits through this store. It stands in local.line
// and in the state file's line as long as it is neither granted the key nor
// gave up; whoever takes it out of local.line decides which.
type waiter struct {
	req  driver.Request
	done chan result // one result, once the waiter was taken
}

type result struct {
	grant driver.Grant
	err   error
}

// Acquire waits in line. It is woken by a release, by the end of a lease and by
// a break; that a holder was killed is seen within a tenth of a second.
func (s *Store) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.check(&r); err != nil {
		return driver.Grant{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Grant{}, err
	}
	defer s.calls.Done()
	w := &waiter{req: r, done: make(chan result, 1)}
	g, err := s.ask(ctx, &r, w)
	if !errors.Is(err, driver.ErrHeld) {
		if err != nil {
			s.unqueue(w)
		}
		return g, err
	}
	if held, ok := errors.AsType[*driver.HeldError](err); ok && r.OnHeld != nil {
		r.OnHeld(held)
	}
	select {
	case res := <-w.done:
		return res.grant, res.err
	case <-ctx.Done():
	case <-s.closing:
	}
	return s.giveUp(ctx, w)
}

// giveUp ends a wait. What the waiter may be given at this moment goes to the
// next. It takes a second at most, also when the state file is stuck: the place
// in line is then removed as soon as the file can be entered.
func (s *Store) giveUp(ctx context.Context, w *waiter) (driver.Grant, error) {
	i := shardOf(w.req.Key)
	waited := s.take(i, w.req.Owner) != nil
	if ctx.Err() == nil { // the store closes: Close gives back all that it has
		if !waited {
			<-w.done
		}
		return driver.Grant{}, driver.ErrClosed
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if waited {
		return driver.Grant{}, errors.Join(ctx.Err(), s.leave(short, i, w))
	}
	err := (<-w.done).err
	if err == nil {
		err = s.release(short, nil, &w.req)
	}
	if err == nil || errors.Is(err, driver.ErrNotHeld) {
		err = driver.ErrHeld // nothing is left of the grant
	}
	return driver.Grant{}, errors.Join(ctx.Err(), err)
}

// leave removes w's place in the state file's line, and tells who held the key.
func (s *Store) leave(ctx context.Context, i int, w *waiter) error {
	n, held := name{w.req.Key, w.req.Owner}, driver.ErrHeld
	err := s.visit(ctx, i, func(v *visit) error {
		e, err := v.entry(n.key)
		if err != nil {
			return err
		}
		if len(e.holdings) > 0 {
			held = e.held(w.req.Mode, v.now)
		}
		return s.strike(v, n)
	})
	if err != nil {
		s.behind(i, n)
		s.serve(i)
	}
	return held
}

// behind notes places in the line of state file i that nobody of this store
// stands in any more. They are struck out when it is served next: whoever calls
// the store for one of them has it do so.
func (s *Store) behind(i int, left ...name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.local[i].left = append(s.local[i].left, left...)
}

// strike removes a place of this store from the line of v's state.
func (s *Store) strike(v *visit, n name) error {
	e, err := v.entry(n.key)
	if err != nil {
		return err
	}
	before := len(e.line)
	e.line = slices.DeleteFunc(e.line, func(x waiting) bool { return x.seat == s.seat && x.owner == n.owner })
	v.dirty = v.dirty || len(e.line) < before
	return nil
}

// unqueue ends a waiter whose question failed. Somebody else who visited the
// state file meanwhile may have put it in line.
func (s *Store) unqueue(w *waiter) {
	i := shardOf(w.req.Key)
	if s.take(i, w.req.Owner) != nil {
		s.behind(i, name{w.req.Key, w.req.Owner})
	}
}

// queue puts w at the end of the line of state file i.
func (s *Store) queue(i int, w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.local[i].line = append(s.local[i].line, w)
	s.local[i].queued = true
	s.waiters++
	if !s.probing && !s.closed {
		s.probing = true
		s.probeAt = 0
		s.work.Go(s.probe)
	}
}

// waits reports whether owner waits in state file i through this store.
func (s *Store) waits(i int, owner string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.local[i].find(owner) >= 0
}

// take ends the wait of owner, who gets a result from the caller. It returns
// nil if somebody else did so before.
func (s *Store) take(i int, owner string) *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.local[i]
	at := l.find(owner)
	if at < 0 {
		return nil
	}
	w := l.line[at]
	l.line = slices.Delete(l.line, at, at+1)
	s.waiters--
	return w
}

func (l *local) find(owner string) int {
	return slices.IndexFunc(l.line, func(w *waiter) bool { return w.req.Owner == owner })
}

// called is told when another process called this store.
func (s *Store) called() {
	for _, i := range s.slot.calls() {
		s.serve(i)
	}
}

// serve has a goroutine look at state file i for those who wait and hold
// through this store; at most one a file at a time.
func (s *Store) serve(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.local[i]
	idle := len(l.line) == 0 && len(l.left) == 0 && (len(l.held) == 0 || len(s.listeners) == 0)
	if s.closed || idle {
		return
	}
	if l.serving {
		l.again = true
		return
	}
	l.serving = true
	s.work.Go(func() {
		for again := true; again; {
			s.look(i)
			s.mu.Lock()
			again = l.again && !s.closed
			l.again, l.serving = false, again
			s.mu.Unlock()
		}
	})
}

// look visits state file i: those who wait in this store get what they can,
// those who gave up leave the line, and those who lost a lease hear of it.
func (s *Store) look(i int) {
	left := s.takeLeft(i)
	if left == nil && len(s.line(i)) == 0 && s.allThere(i) {
		return
	}
	err := s.visit(s.ctx, i, func(v *visit) error {
		for key, ws := range byKey(s.line(i)) {
			e, err := v.entry(key)
			if err != nil {
				return err
			}
			s.rejoin(v, e, ws)
		}
		for _, n := range left {
			if err := s.strike(v, n); err != nil {
				return err
			}
		}
		return s.findLost(v)
	})
	if err == nil || errors.Is(err, driver.ErrClosed) || s.ctx.Err() != nil {
		return
	}
	s.behind(i, left...)
	for _, w := range s.line(i) {
		if w := s.take(i, w.req.Owner); w != nil {
			s.behind(i, name{w.req.Key, w.req.Owner})
			w.done <- result{err: err}
		}
	}
}

func (s *Store) takeLeft(i int) []name {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.local[i].left
	s.local[i].left = nil
	return left
}

// rejoin puts those of ws in line who lost their places: the data was lost, or
// others took this store for dead.
func (s *Store) rejoin(v *visit, e *entry, ws []*waiter) {
	n := 0
	for i := range e.line {
		if e.line[i].seat == s.seat {
			n++
		}
	}
	if n >= len(ws) {
		return // nobody is missing, as nobody is there twice
	}
	in := map[string]bool{}
	for _, x := range e.line {
		if x.seat == s.seat {
			in[x.owner] = true
		}
	}
	for _, w := range ws {
		if !in[w.req.Owner] && s.waits(v.i, w.req.Owner) {
			e.line = append(e.line, waiting{owner: w.req.Owner, mode: w.req.Mode, seat: s.seat})
			v.dirty = true
		}
	}
}

func byKey(ws []*waiter) map[string][]*waiter {
	out := map[string][]*waiter{}
	for _, w := range ws {
		out[w.req.Key] = append(out[w.req.Key], w)
	}
	return out
}

// line returns who waits in state file i through this store, in order.
func (s *Store) line(i int) []*waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.local[i].line)
}
