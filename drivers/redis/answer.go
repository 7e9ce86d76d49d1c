package redis

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// An answer is how a call ended.
type answer struct {
	numbers []int64   // of the reply, as many as the caller wants or more
	table   []any     // the reply of a call that wants more than numbers
	sent    time.Time // just before the try that was answered left
	again   bool      // a try that was not answered may have been carried out
	pending *call     // the one that is under way still; nil: none is
	err     error
}

const (
	firstPause = 8 * time.Millisecond
	mostPause  = 512 * time.Millisecond
)

// call runs a script that answers with n numbers or more, and runs it again where
// that may help and does no harm. The error is ctx's, or one of package driver.
func (s *Store) call(ctx context.Context, n int, sc *script.Script, key string, common []any, own ...string) answer {
	a, c := s.run(ctx, sc, key, common, own...)
	if a.err != nil {
		return a
	}
	if a.numbers = c.numbers; len(a.numbers) < n {
		a.err = s.failed(ctx, errReply)
	}
	return a
}

// callTable is call for scripts that answer with n values of any kind.
func (s *Store) callTable(ctx context.Context, n int, sc *script.Script, key string, common ...any) answer {
	a, c := s.run(ctx, sc, key, common)
	if a.err != nil {
		return a
	}
	if a.table = c.table; len(a.table) < n {
		a.err = s.failed(ctx, errReply)
	}
	return a
}

func (s *Store) run(ctx context.Context, sc *script.Script, key string, common []any, own ...string) (a answer, c *call) {
	name := rediskey.Name(key)
	for try := 0; ; try++ {
		c = newCall(sc, name, common, own...)
		went, err := s.batch.do(ctx, c)
		if !c.over() {
			a.err = err
			a.again = a.again || went
			if went {
				a.pending = c
			}
			return a, c
		}
		a.sent, a.again = c.sent, a.again || c.again
		if err = c.err; err == nil {
			return a, c
		}
		fate := fateOf(err)
		a.again = a.again || fate == unknown
		if !mayRepeat(sc, fate) || try >= s.retries || !s.pause(ctx, try) {
			a.err = s.failed(ctx, err)
			return a, c
		}
	}
}

// mayRepeat reports whether a run that ended with a fate may be made again. One
// that was not answered may still reach the server, after whatever is sent there
// later, and only of some scripts does that do no harm.
func mayRepeat(sc *script.Script, f fate) bool { return f == postponed || f == unknown && sc.Harmless }

// failed returns what a caller is told of err.
func (s *Store) failed(ctx context.Context, err error) error {
	told := s.secrets.explain(err)
	switch {
	case s.isClosed():
		return driver.ErrClosed
	case ended(ctx) != nil:
		return errors.Join(ended(ctx), told)
	case fateOf(err) == postponed:
		return outage{told}
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

// An outage is an error of a server that did nothing, and may serve again soon.
type outage struct{ error }

// Unwrap returns what it is about.
func (o outage) Unwrap() error { return o.error }

// pause waits before a call is made again, and reports whether it may be.
func (s *Store) pause(ctx context.Context, try int) bool {
	d := min(firstPause<<try, mostPause)
	timer := time.NewTimer(d/2 + time.Duration(rand.Int64N(int64(d/2)+1)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closed:
	}
	return false
}
