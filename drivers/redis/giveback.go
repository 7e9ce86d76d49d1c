package redis

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/batch"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
	"github.com/concurrent-go/concurrent/internal/backoff"
)

const (
	giveBackFor   = 30 * time.Second
	giveBackCall  = 2 * time.Second
	giveBackPause = 50 * time.Millisecond
	giveBackMost  = 5 * time.Second
)

// giveBack takes a waiter with a name out of the queue, and releases what an
// unanswered request may have been granted. It waits until that is over, if it
// is under way, and then asks until the server has answered once, or the lease
// can no longer be held. It reports whether it is certain that nothing is held and
// nobody queued: of a request that was never answered it is not.
func (s *Store) giveBack(r driver.Request, name string, pending *batch.Call) (certain bool) {
	ctx, cancel := context.WithTimeout(s.life, max(min(r.Lease, giveBackFor), giveBackCall))
	defer cancel()
	if pending != nil {
		select {
		case <-pending.Done():
		case <-s.life.Done():
			return false
		}
		if got, err := reply.Acquire(pending.Numbers, pending.Table); name == "" && err == nil && got.Granted == 0 {
			return true
		}
		certain = pending.Err == nil || reply.FateOf(pending.Err) != reply.Unknown
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	pauses := backoff.Backoff{First: giveBackPause, Most: giveBackMost}
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
		if s.leave(ctx, &r, name) {
			return certain
		}
		timer.Reset(pauses.Next())
	}
}

// leave ends a wait on the server, with what it may have been granted.
func (s *Store) leave(ctx context.Context, r *driver.Request, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, giveBackCall)
	defer cancel()
	a := s.call(ctx, script.Leave, r.Key, s.ending(r.Mode), r.Owner, name)
	if a.err == nil {
		_, a.err = reply.Done(a.numbers)
	}
	return a.err == nil
}
