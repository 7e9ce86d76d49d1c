package locks

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// Local returns a lock of this process that has no name: whoever has the value
// shares it, and nobody else. It takes the same options as Cache except
// WithRegistry, and its lease is renewed as long as the process runs. It
// belongs to no registry: Shutdown does not wait for it.
func Local(opts ...Option) *Lock {
	key := strconv.FormatUint(localKeys.Add(1), 36)
	return &Lock{alias: "local", key: key, set: settle(opts), local: true}
}

var (
	localKeys        atomic.Uint64
	errLocalRegistry = errors.New("WithRegistry: a local lock belongs to no registry")
)

// localRegistry has the one store that all local locks share.
var localRegistry = sync.OnceValue(func() *concurrent.Registry {
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"local": {Store: memory.New()}}); err != nil {
		panic(err) // a constant configuration
	}
	if _, err := r.Open(context.Background(), "local"); err != nil {
		panic(err)
	}
	return r
})
