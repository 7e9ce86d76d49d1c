package redis

import (
	"context"
	"sync"
	"time"

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
		awaitGroup(&s.calls)
		awaitGroup(&s.cleaning)
		s.releaseAll()
		s.stop()
	})
	return nil
}

// stop ends what runs in the background.
func (s *Store) stop() {
	s.endLife()
	s.batch.close()
	s.inbox.close()
	s.batch.keeper.close()
	if s.own {
		_ = s.client.Close() // what can't be closed is closed by the server
	}
	awaitGroup(&s.batch.group)
}

// awaitGroup waits for a group, but not for long.
func awaitGroup(g *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		g.Wait()
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
	rs := s.held.all()
	calls := make([]*call, len(rs))
	for i := range rs {
		r := &rs[i]
		calls[i] = newCall(script.Release, rediskey.Name(r.Key), s.ending(r.Mode), r.Owner)
	}
	s.batch.submit(calls...)
	for _, c := range calls {
		if s.batch.await(ctx, c) != nil && ctx.Err() != nil {
			return
		}
	}
}
