package redis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/config"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/wakeup"
)

// An Option of New.
type Option func(*options) error

type options struct{ checkTimeout time.Duration }

// WithCheckTimeout sets how long New may take to find out whether the server is
// fit to hold locks. Default: 5 seconds. It must be positive.
func WithCheckTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("redis: WithCheckTimeout must be positive, is %v", d)
		}
		o.checkTimeout = d
		return nil
	}
}

// New returns a store that uses client, for concurrent.Config.Store. Like Open
// it connects, and returns ErrUnavailable or ErrUnfit if the server can't be
// reached or would not keep the promises of locks. Close of the store does not
// close client, which must be open as long as the store is. A failure leaves
// nothing open.
//
// client is a *redis.Client, made by NewClient or NewFailoverClient, or a
// *redis.ClusterClient. A Ring is ErrUnfit: the servers of a ring know nothing of
// each other.
func New(client redis.UniversalClient, opts ...Option) (driver.Store, error) {
	o := options{checkTimeout: 5 * time.Second}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.checkTimeout)
	defer cancel()
	s := newStore()
	if err := s.use(client); err != nil {
		s.endLife()
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// use has the store use a client of the caller's.
func (s *Store) use(client redis.UniversalClient) error {
	s.client, s.retries = client, config.Retries
	switch c := client.(type) {
	case *redis.Client:
		if c == nil {
			return reply.Unfit("the client is nil")
		}
		s.counted, s.address = true, config.AddressOf(c.Options())
		s.secrets = reply.NewSecrets(c.Options().Password)
	case *redis.ClusterClient:
		if c == nil {
			return reply.Unfit("the client is nil")
		}
		s.address = strings.Join(c.Options().Addrs, ",")
		s.secrets = reply.NewSecrets(c.Options().Password)
	default:
		return reply.Unfit("New takes a *redis.Client or a *redis.ClusterClient, not a %T", client)
	}
	return nil
}

func newStore() *Store {
	s := &Store{closed: make(chan struct{}), secrets: reply.NewSecrets()}
	s.wakeup = wakeup.New(s.broken)
	s.life, s.endLife = context.WithCancel(context.Background())
	return s
}

// open starts the store and finds out whether its server is fit. A failure
// leaves nothing open but a client that is not ours.
func (s *Store) open(ctx context.Context) error {
	s.batch.Start(s.client, s.own)
	s.wakeup.Start(s.life, s.client, s.counter())
	checked := make(chan error, 1)
	go func() { checked <- s.check(ctx) }()
	var err error
	select {
	case err = <-checked:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.stop()
	}
	return err
}
