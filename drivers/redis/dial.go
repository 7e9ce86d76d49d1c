package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

const defaultDialTimeout = 5 * time.Second

// dialer returns what makes the connections of a client of our own: with TLS
// where config is not nil. They are given up when the store closes, which
// go-redis would not do.
func (s *Store) dialer(timeout time.Duration, config *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: cmp.Or(timeout, defaultDialTimeout)}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, plain.Timeout)
		defer cancel()
		stop := context.AfterFunc(s.life, cancel)
		defer stop()
		plainConn, err := plain.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		conn := s.batch.Wire(plainConn)
		if config == nil {
			return conn, nil
		}
		own := config.Clone()
		if own.ServerName == "" {
			own.ServerName, _, _ = net.SplitHostPort(addr)
		}
		secure := tls.Client(conn, own)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, &reply.HandshakeError{Err: err}
		}
		return secure, nil
	}
}
