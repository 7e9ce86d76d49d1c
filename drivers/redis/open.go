package redis

import (
	"cmp"
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/concurrent-go/concurrent/driver"
)

var errUnverified = errors.New("redis: skip_verify: whoever is between here and the server can read and change everything, the password included; " +
	"give tls_ca_file instead")

// Open connects and finds out whether the server is fit.
func (c *connector) Open(ctx context.Context) (driver.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := newStore()
	s.own, s.secrets = true, c.secrets
	if c.secure && !c.verified {
		s.warned = []error{errUnverified}
	}
	if err := c.connect(s); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// connect gives s a client of its own. It does no I/O but to read files.
func (c *connector) connect(s *Store) error {
	config, err := c.load()
	if err != nil {
		return err
	}
	s.place = c.place()
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch c.topology {
	case single:
		o := *c.server
		o.Dialer, o.DialerRetries = s.dialer(o.DialTimeout, config), cmp.Or(o.DialerRetries, 1)
		o.TLSConfig, o.ContextTimeoutEnabled, o.MaintNotificationsConfig = config, true, quiet
		s.counted, s.retries = true, retriesOf(o.MaxRetries)
		s.client = redis.NewClient(&o)
	case sentinel:
		o := *c.failover
		o.Dialer, o.DialerRetries = s.dialer(o.DialTimeout, config), cmp.Or(o.DialerRetries, 1)
		o.TLSConfig, o.ContextTimeoutEnabled = config, true
		s.counted, s.retries = true, retriesOf(o.MaxRetries)
		s.client = redis.NewFailoverClient(&o)
	default:
		o := *c.cluster
		o.Dialer, o.DialerRetries = s.dialer(o.DialTimeout, config), cmp.Or(o.DialerRetries, 1)
		o.TLSConfig, o.ContextTimeoutEnabled, o.MaintNotificationsConfig = config, true, quiet
		s.retries = retriesOf(o.MaxRetries)
		s.client = redis.NewClusterClient(&o)
	}
	return nil
}

// retriesOf reads an option whose 0 is a default and whose −1 is none.
func retriesOf(n int) int { return max(0, cmp.Or(n, defaultRetries)) }
