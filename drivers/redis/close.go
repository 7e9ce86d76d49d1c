package redis

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/batch"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// Close waits for each of its steps for this long at most, if the server does
// not answer.
const closeStep = 2 * time.Second

// Close ends waits with ErrClosed and releases what is held. It takes no longer
// than some seconds where the server can't be reached. The client that was given
// to New stays open.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.shut = true
		s.mu.Unlock()
		close(s.closed)
		awaitAtMost(s.calls.Wait)
		awaitAtMost(s.cleaning.Wait)
		s.releaseAll()
		s.stop()
	})
	return nil
}

// stop ends what runs in the background.
func (s *Store) stop() {
	s.endLife()
	s.batch.Close()
	s.wakeup.Close()
	if s.own {
		_ = s.client.Close() // what can't be closed is closed by the server
	}
	awaitAtMost(s.batch.Wait)
}

// awaitAtMost has something waited for, but for one step of Close at most.
func awaitAtMost(wait func()) {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	timer := time.NewTimer(closeStep)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// releaseAll releases what is held, all at once.
func (s *Store) releaseAll() {
	ctx, cancel := context.WithTimeout(context.Background(), closeStep)
	defer cancel()
	rs := s.grants.all()
	calls := make([]*batch.Call, len(rs))
	for i := range rs {
		r := &rs[i]
		calls[i] = batch.NewCall(script.Release, rediskey.Name(r.Key), s.ending(r.Mode), r.Owner)
	}
	s.batch.Submit(calls...)
	for _, c := range calls {
		if s.batch.Await(ctx, c) != nil && ctx.Err() != nil {
			return
		}
	}
}
