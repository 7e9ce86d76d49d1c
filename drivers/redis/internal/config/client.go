package config

import (
	"cmp"
	"context"
	"net"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Retries is how often a call is repeated where the options of a client do not say it.
const Retries = 3

// A Client is one of the driver's own, with what its URL says of how to use it.
type Client struct {
	redis.UniversalClient
	Retries int // how often a call is repeated; go-redis repeats none of ours
}

// Client makes a client, whose connections are given up when life ends, which go-redis
// would not do, and are what wrap makes of them. None says by CLIENT SETINFO which
// library it is, which a user need not be allowed to. Of the errors each is ErrUnavailable:
// a file could not be read.
func (c *Config) Client(life context.Context, wrap func(net.Conn) net.Conn) (Client, error) {
	secure, err := c.load()
	if err != nil {
		return Client{}, err
	}
	d := dialer{life: life, wrap: wrap, secure: secure}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch c.topology {
	case single:
		o := *c.server
		o.Dialer, o.DialerRetries = d.within(o.DialTimeout), cmp.Or(o.DialerRetries, 1)
		o.TLSConfig, o.ContextTimeoutEnabled, o.MaintNotificationsConfig = secure, true, quiet
		o.DisableIdentity = true
		retries := retriesOf(o.MaxRetries) // before go-redis fills in its own defaults
		return Client{redis.NewClient(&o), retries}, nil
	case sentinel:
		o := *c.failover
		o.Dialer, o.DialerRetries = d.within(o.DialTimeout), cmp.Or(o.DialerRetries, 1)
		o.TLSConfig, o.ContextTimeoutEnabled = secure, true
		o.DisableIdentity = true
		retries := retriesOf(o.MaxRetries)
		return Client{redis.NewFailoverClient(&o), retries}, nil
	}
	o := *c.cluster
	o.Dialer, o.DialerRetries = d.within(o.DialTimeout), cmp.Or(o.DialerRetries, 1)
	o.TLSConfig, o.ContextTimeoutEnabled, o.MaintNotificationsConfig = secure, true, quiet
	o.DisableIdentity = true
	retries := retriesOf(o.MaxRetries)
	return Client{redis.NewClusterClient(&o), retries}, nil
}

// retriesOf reads an option whose 0 is a default and whose −1 is none.
func retriesOf(n int) int { return max(0, cmp.Or(n, Retries)) }
