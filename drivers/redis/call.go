package redis

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/batch"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
	"github.com/concurrent-go/concurrent/internal/backoff"
)

// A callResult is how a call ended.
type callResult struct {
	numbers []int64     // of the reply
	table   []any       // the reply, if it is more than a number
	sent    time.Time   // just before the try that was answered left
	again   bool        // a try that was not answered may have been carried out
	pending *batch.Call // the one that is under way still; nil: none is
	err     error
}

const (
	firstPause = 8 * time.Millisecond
	mostPause  = 512 * time.Millisecond
)

// call runs a script, and runs it again where that may help and does no harm. The
// error is ctx's, or one of package driver.
func (s *Store) call(ctx context.Context, sc *script.Script, key string, common []any, own ...string) (a callResult) {
	name := rediskey.Name(key)
	pauses := backoff.Backoff{First: firstPause, Most: mostPause}
	for try := 0; ; try++ {
		c := batch.NewCall(sc, name, common, own...)
		went, err := s.batch.Do(ctx, c)
		if !c.Over() {
			a.err = err
			a.again = a.again || went
			if went {
				a.pending = c
			}
			return a
		}
		a.sent, a.again = c.Sent, a.again || c.Again
		if err = c.Err; err == nil {
			a.numbers, a.table = c.Numbers, c.Table
			return a
		}
		fate := s.fateOf(err)
		a.again = a.again || fate == reply.Unknown
		if !mayRepeat(sc, fate) || try >= s.retries || !s.pause(ctx, pauses.Next()) {
			a.err = s.failed(ctx, err)
			return a
		}
	}
}

// fateOf tells what became of a request that ended with err. One that was not refused
// for good may have met a master that is none any more, and the subscription with it.
func (s *Store) fateOf(err error) reply.Fate {
	fate := reply.FateOf(err)
	if fate != reply.Refused {
		s.wakeup.Doubt()
	}
	return fate
}

// mayRepeat reports whether a run that ended with a fate may be made again. One
// that was not answered may still reach the server, after whatever is sent there
// later, and only of some scripts does that do no harm.
func mayRepeat(sc *script.Script, f reply.Fate) bool {
	return f == reply.Postponed || f == reply.Unknown && sc.Harmless
}

// failed returns what a caller is told of err.
func (s *Store) failed(ctx context.Context, err error) error {
	told := s.secrets.Explain(err)
	switch {
	case s.isClosed():
		return driver.ErrClosed
	case ended(ctx) != nil:
		return errors.Join(ended(ctx), told)
	case reply.FateOf(err) == reply.Postponed:
		return temporaryError{told}
	}
	return told
}

// ended is ctx's error. Connections heed its deadline, and may notice it before ctx
// does.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return nil
}

// A temporaryError is an error of a server that did nothing, and may serve again soon.
type temporaryError struct{ error }

// Unwrap returns what it is about.
func (o temporaryError) Unwrap() error { return o.error }

// pause waits for d before a call is made again, and reports whether it may be.
func (s *Store) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closed:
	}
	return false
}
