package redis

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/batch"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
	"github.com/concurrent-go/concurrent/internal/backoff"
)

// Extend makes the lease end r.Lease from now.
func (s *Store) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	if err := s.checkLease(&r); err != nil {
		return time.Time{}, err
	}
	if err := s.begin(ctx); err != nil {
		return time.Time{}, err
	}
	defer s.end()
	return s.extend(ctx, &r)
}

func (s *Store) extend(ctx context.Context, r *driver.Request) (time.Time, error) {
	a := s.call(ctx, script.Extend, r.Key, s.termsOf(r).extend(), r.Owner)
	if a.err != nil {
		return time.Time{}, a.err
	}
	return s.extended(ctx, r, a.numbers, a.sent)
}

// extended reads the reply of extend.lua.
func (s *Store) extended(ctx context.Context, r *driver.Request, numbers []int64, sent time.Time) (time.Time, error) {
	done, err := reply.Done(numbers)
	if err != nil {
		return time.Time{}, s.failed(ctx, err)
	}
	if !done {
		s.grants.remove(r.Key, r.Owner)
		return time.Time{}, driver.ErrNotHeld
	}
	s.grants.add(r, sent)
	return sent, nil
}

// ExtendAll sends all of them at once, in batches, and again those of which the server
// said that it did nothing, while that may help. One that was not answered is not sent
// again: see Store of package driver.
func (s *Store) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent := time.Now()
	errs := make([]error, len(rs))
	if err := s.begin(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return sent, errs
	}
	defer s.end()
	todo := make([]int, 0, len(rs))
	for i := range rs {
		if errs[i] = s.checkLease(&rs[i]); errs[i] == nil {
			todo = append(todo, i)
		}
	}
	pauses := backoff.Backoff{First: firstPause, Most: mostPause}
	for try := 0; len(todo) > 0; try++ {
		todo = s.extendSome(ctx, rs, errs, todo)
		if try >= s.retries || len(todo) > 0 && !s.pause(ctx, pauses.Next()) {
			break
		}
	}
	for _, err := range errs {
		if err != nil {
			return sent, errs
		}
	}
	return sent, nil
}

// extendSome sends the requests whose places are in todo, and returns those that
// may be sent again. errs has the error of each.
func (s *Store) extendSome(ctx context.Context, rs []driver.Request, errs []error, todo []int) (again []int) {
	calls := make([]*batch.Call, len(todo))
	for n, i := range todo {
		r := &rs[i]
		calls[n] = batch.NewCall(script.Extend, rediskey.Name(r.Key), s.termsOf(r).extend(), r.Owner)
	}
	s.batch.Submit(calls...)
	for n, i := range todo {
		c := calls[n]
		err := s.batch.Await(ctx, c)
		if !c.Over() {
			c.Abandon()
			errs[i] = err
			continue
		}
		if err == nil {
			_, errs[i] = s.extended(ctx, &rs[i], c.Numbers, c.Sent)
			continue
		}
		if errs[i] = s.failed(ctx, err); mayRepeat(script.Extend, s.fateOf(err)) {
			again = append(again, i)
		}
	}
	return again
}
