package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/config"
)

// Driver is the driver.Driver of the schemes redis, rediss, redis+unix, valkey and valkeys. It
// takes the URLs that the documentation of the package shows.
type Driver struct{}

// Connector checks u. What it returns knows go-redis's options for it.
func (Driver) Connector(u *url.URL) (driver.Connector, error) {
	c, err := config.Parse(u)
	if err != nil {
		return nil, fmt.Errorf("redis: %w; write redis://user:password@host:port/db?parameter=value", err)
	}
	return &connector{c}, nil
}

// A connector opens stores of one URL.
type connector struct{ config *config.Config }

var errUnverified = errors.New("redis: skip_verify: whoever is between here and the server can read and change everything, the password included; " +
	"give tls_ca_file instead")

// Open connects and finds out whether the server is fit.
func (c *connector) Open(ctx context.Context) (driver.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := newStore()
	if err := c.connect(s); err != nil {
		s.endLife()
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// connect gives s a client of its own. It does no I/O but to read files.
func (c *connector) connect(s *Store) error {
	s.own, s.secrets = true, c.config.Secrets()
	s.address, s.counted = c.config.Address(), c.config.OneServer()
	if c.config.Unverified() {
		s.warned = []error{errUnverified}
	}
	client, err := c.config.Client(s.life, func(conn net.Conn) net.Conn {
		s.wakeup.Doubt() // where connections are made, others ended
		return s.batch.Wire(conn)
	})
	if err != nil {
		return err
	}
	s.client, s.retries = client.UniversalClient, client.Retries
	return nil
}
