package postgres

import (
	"context"
	"slices"
	"time"
)

// idles are the lease classes: after how long without a word from this process
// the server ends a session. A lease is on the session with the longest of these
// that is not longer than the lease, or on the first.
var idles = [...]time.Duration{2 * time.Second, 8 * time.Second, 32 * time.Second}

const (
	usual    = 1 // the class that Open makes a session of
	earsIdle = 8 * time.Second

	firstBackoff = 50 * time.Millisecond
	mostBackoff  = 2 * time.Second
)

func classOf(lease time.Duration) int {
	i := len(idles) - 1
	for i > 0 && idles[i] > lease {
		i--
	}
	return i
}

// A class is the leases of about one length, and their session, which is made
// when it is needed.
type class struct {
	number  int
	live    *session // nil: there is none
	dialing bool
	waiting []*op // until there is a session

	failure error // why there is none; nil: nobody tried
	retryAt time.Time
	backoff time.Duration
}

// submit has ops done by a class's session, which is made if there is none.
func (b *backend) submit(i int, ops ...*op) {
	c := &b.classes[i]
	if c.live != nil && c.live.submit(ops...) {
		b.kick(c.live)
		return
	}
	if !c.dialing && (b.closed || c.failure != nil && time.Now().Before(c.retryAt)) {
		for _, o := range ops {
			o.err, o.fate = c.failure, unsent
			if b.closed {
				o.err = errClosed
			}
			b.later = append(b.later, o)
		}
		return
	}
	c.waiting = append(c.waiting, ops...)
	if !c.dialing {
		b.make(c)
	}
}

// make has a class's session made, or the one that stands.
func (b *backend) make(c *class) {
	c.dialing = true
	b.background.Go(func() { b.redial(c) })
	b.sitDown()
}

var errGone = unavailable("the session that held the lock has ended")

// submitOn has ops done by the session that holds what they are about.
func (b *backend) submitOn(s *session, ops ...*op) {
	if s.submit(ops...) {
		b.kick(s)
		return
	}
	for _, o := range ops {
		o.err, o.fate = errGone, gone
		b.later = append(b.later, o)
	}
}

// submitSoon is submitOn for what can wait: it goes with what is sent next.
func (b *backend) submitSoon(s *session, o *op) {
	if s.submit(o) {
		s.soon()
		return
	}
	o.err, o.fate = errGone, gone
	b.later = append(b.later, o)
}

// kick has a session send when the mutex is let go of.
func (b *backend) kick(s *session) {
	if !slices.Contains(b.kicks, s) {
		b.kicks = append(b.kicks, s)
	}
}

// redial makes a class's session.
func (b *backend) redial(c *class) {
	ctx, cancel := context.WithTimeout(b.life, dialTimeout)
	defer cancel()
	s, _, err := b.dial(ctx, c.number)
	b.mu.Lock()
	if err == nil && b.closed {
		err = errClosed
		defer s.close()
	}
	defer b.unlock()
	c.dialing = false
	waiting := c.waiting
	c.waiting = nil
	if err != nil {
		c.backoff = min(max(2*c.backoff, firstBackoff), mostBackoff)
		c.failure, c.retryAt = err, time.Now().Add(c.backoff)
		for _, o := range waiting {
			o.err, o.fate = err, unsent
			b.later = append(b.later, o)
		}
		return
	}
	c.failure, c.backoff, c.live = nil, 0, s
	if s.submit(waiting...) {
		b.kick(s)
		return
	}
	for _, o := range waiting {
		o.err, o.fate = unavailable("the new session ended at once"), unsent
		b.later = append(b.later, o)
	}
}
