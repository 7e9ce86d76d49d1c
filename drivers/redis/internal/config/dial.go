package config

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

const defaultDialTimeout = 5 * time.Second

// A dialer makes the connections of a client: with TLS where secure is not nil.
type dialer struct {
	life   context.Context //nolint:containedctx // a connection that is being made ends with it
	wrap   func(net.Conn) net.Conn
	secure *tls.Config
}

// within returns what go-redis dials with, for a timeout of 5 s if it is 0.
func (d dialer) within(timeout time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: cmp.Or(timeout, defaultDialTimeout)}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, plain.Timeout)
		defer cancel()
		stop := context.AfterFunc(d.life, cancel)
		defer stop()
		conn, err := plain.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return d.handshake(ctx, d.wrap(conn), addr)
	}
}

// handshake agrees on TLS, if there is to be any. A failure closes conn.
func (d dialer) handshake(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	if d.secure == nil {
		return conn, nil
	}
	secure := d.secure.Clone()
	if secure.ServerName == "" {
		secure.ServerName, _, _ = net.SplitHostPort(addr)
	}
	c := tls.Client(conn, secure)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &reply.HandshakeError{Err: err}
	}
	return c, nil
}
