package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// TryAcquire asks once. A request whose reply does not come before ctx ends is
// released in the background, as soon as it is over.
func (s *Store) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.checkLease(&r); err != nil {
		return driver.Grant{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Grant{}, err
	}
	defer s.end()
	a := s.ask(ctx, &r, "")
	if a.err != nil && a.again {
		r, pending := r, a.pending // in memory of their own, which most calls do without
		s.cleaning.Go(func() { s.giveBack(r, "", pending) })
	}
	return a.grant, a.err
}

// newcomer is behind a name that can't be in the queue yet: the server need not look
// for it there.
const newcomer = "+"

func (s *Store) checkLease(r *driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	return r.CheckLease(minLease)
}

// An asked is what became of a request.
type asked struct {
	callResult
	grant  driver.Grant
	before int    // about how many wait before this waiter
	place  int64  // where its entry stands; 0: not known
	last   uint64 // the token of the newest grant until then; 0: not known
	err    error
}

// ask asks for a lease, for a waiter with a name, and what is known of its place, or for
// one that does not wait. With a name, a key that is held has the waiter in its queue
// afterwards.
func (s *Store) ask(ctx context.Context, r *driver.Request, name string) (a asked) {
	own := append(make([]string, 0, 2), r.Owner)
	if name != "" {
		own = append(own, name)
	}
	a.callResult = s.call(ctx, script.Acquire, r.Key, s.termsOf(r).acquire(r.Brief), own...)
	if a.err = a.callResult.err; a.err != nil {
		return a
	}
	got, err := reply.Acquire(a.numbers, a.table)
	switch {
	case err != nil:
		a.err = s.failed(ctx, err)
	case got.OtherMode:
		a.err = fmt.Errorf("%w: redis: this owner holds the key already, in another mode than %v",
			driver.ErrInvalidRequest, r.Mode)
	case got.IsHeld():
		a.err, a.before, a.last, a.place = heldError(&got), got.Before, got.Last, got.Place
	default:
		a.grant, a.err = s.granted(r, got.Granted, a.sent)
	}
	return a
}

// heldError is a refusal, with the time at which the holder got the key on this
// machine's clock.
func heldError(got *reply.Acquired) *driver.HeldError {
	held := &driver.HeldError{For: got.For, Holder: got.Holder}
	if held.Holder != (driver.Holder{}) {
		held.Since = time.Now().Add(-got.Age)
	}
	return held
}

// granted returns what the server granted, unless the store was closed
// meanwhile: then Close releases it.
func (s *Store) granted(r *driver.Request, token uint64, sent time.Time) (driver.Grant, error) {
	s.grants.add(r, sent)
	if s.isClosed() {
		return driver.Grant{}, driver.ErrClosed
	}
	return driver.Grant{Token: reply.Token(token), Spare: reply.Spare, Sent: sent}, nil
}
