package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
)

// options are what a store can be told, by a URL or by New.
type options struct {
	schema       string
	fencing      bool
	checkTimeout time.Duration
	number       func(schema, key string) int64 // of a key's lock
}

func defaults() options {
	return options{schema: "concurrent", fencing: true, checkTimeout: 10 * time.Second, number: numberOf}
}

// An Option of New.
type Option func(*options) error

// WithSchema sets the schema that keeps what locks need besides the server's
// own, and that tells the locks of one program from another's in the same
// database: stores of different schemas share no locks. Default: concurrent. It
// is 1 to 63 lower-case letters, digits and _.
func WithSchema(name string) Option {
	return func(o *options) error {
		if err := isSchema(name); err != nil {
			return fmt.Errorf("postgres: WithSchema must be %w", err)
		}
		o.schema = name
		return nil
	}
}

// WithoutFencing has the store give no tokens, which saves a flush of the
// write-ahead log for every batch of grants. Default: tokens are given.
func WithoutFencing() Option {
	return func(o *options) error {
		o.fencing = false
		return nil
	}
}

// WithCheckTimeout sets how long New may take to connect and to find out whether
// the server is fit to hold locks. Default: 10 seconds. It must be positive.
func WithCheckTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("postgres: WithCheckTimeout must be positive, is %v", d)
		}
		o.checkTimeout = d
		return nil
	}
}

// New returns a store for concurrent.Config.Store. config comes from
// pgx.ParseConfig, and is copied; the driver connects by it and sets timeouts of
// its own in its RuntimeParams. The sessions are the store's own, none of a
// pool's.
//
// Like Open it connects, and returns ErrUnavailable or ErrUnfit if the server
// can't be reached or would not keep the promises of locks. A failure leaves
// nothing open.
func New(config *pgx.ConnConfig, opts ...Option) (driver.Store, error) {
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if config == nil {
		return nil, unfit("the config is nil; make one with pgx.ParseConfig")
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.checkTimeout)
	defer cancel()
	b := newBackend(&config.Copy().Config, o, secretsOf(config.Password))
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	return newStore(b), nil
}
