package batch

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// stickyFor is for how long a connection is used again that was not looked at. After
// that it goes through the pool, which sees whether the server has closed it.
const stickyFor = 100 * time.Millisecond

// A stickyConn keeps a connection for calls that come alone, one after another. To take
// it from the pool for each, and give it back, costs such a call a tenth of its time.
type stickyConn struct {
	client *redis.Client // nil: the pool is not ours, or has no connection to spare

	mu   sync.Mutex  // held by the call that is under way
	conn *redis.Conn // nil: none is kept
	used time.Time
}

// process makes a call on the connection that is kept, or on one of the pool's if
// another call has that.
func (s *stickyConn) process(ctx context.Context, pool redis.UniversalClient, cmd redis.Cmder) {
	if s.client == nil || !s.mu.TryLock() {
		_ = pool.Process(ctx, cmd) // the command has the error
		return
	}
	defer s.mu.Unlock()
	if time.Since(s.used) > stickyFor {
		s.drop()
	}
	if s.conn == nil {
		s.conn = s.client.Conn()
	}
	err := s.conn.Process(ctx, cmd)
	if s.used = time.Now(); err != nil {
		s.drop()
	}
}

// drop gives the connection back to the pool, which closes it if it is broken.
func (s *stickyConn) drop() {
	if s.conn != nil {
		_ = s.conn.Close() // nothing is lost with it
		s.conn = nil
	}
}

// close ends the stickyConn. What a call has meanwhile ends with the client.
func (s *stickyConn) close() {
	if s.mu.TryLock() {
		s.drop()
		s.mu.Unlock()
	}
}
