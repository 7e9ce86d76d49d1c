package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// keptFor is for how long a connection is used again that was not looked at. After
// that it goes through the pool, which sees whether the server has closed it.
const keptFor = 100 * time.Millisecond

// A keeper keeps a connection for calls that come alone, one after another. To take
// it from the pool for each, and give it back, costs such a call a tenth of its time.
type keeper struct {
	client *redis.Client // nil: the pool is not ours, or has no connection to spare

	mu   sync.Mutex  // held by the call that is under way
	conn *redis.Conn // nil: none is kept
	used time.Time
}

// process makes a call on the connection that is kept, or on one of the pool's if
// another call has that.
func (k *keeper) process(ctx context.Context, pool redis.UniversalClient, cmd redis.Cmder) {
	if k.client == nil || !k.mu.TryLock() {
		_ = pool.Process(ctx, cmd) // the command has the error
		return
	}
	defer k.mu.Unlock()
	if time.Since(k.used) > keptFor {
		k.drop()
	}
	if k.conn == nil {
		k.conn = k.client.Conn()
	}
	err := k.conn.Process(ctx, cmd)
	if k.used = time.Now(); err != nil {
		k.drop()
	}
}

// drop gives the connection back to the pool, which closes it if it is broken.
func (k *keeper) drop() {
	if k.conn != nil {
		_ = k.conn.Close() // nothing is lost with it
		k.conn = nil
	}
}

// close ends the keeper. What a call has meanwhile ends with the client.
func (k *keeper) close() {
	if k.mu.TryLock() {
		k.drop()
		k.mu.Unlock()
	}
}
