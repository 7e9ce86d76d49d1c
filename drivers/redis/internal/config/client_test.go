package config

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

func unwrapped(conn net.Conn) net.Conn { return conn }

func TestClientIsOfTheTopologyAndHeedsContexts(t *testing.T) {
	for raw, want := range map[string]struct {
		heeds     func(redis.UniversalClient) bool
		retries   int
		oneServer bool
	}{
		"redis://127.0.0.1:1": {func(c redis.UniversalClient) bool {
			one, ok := c.(*redis.Client)
			return ok && one.Options().ContextTimeoutEnabled
		}, Retries, true},
		"redis://127.0.0.1:1?max_retries=7": {func(c redis.UniversalClient) bool {
			_, ok := c.(*redis.Client)
			return ok
		}, 7, true},
		"redis://127.0.0.1:1?master_name=m&max_retries=-1": {func(c redis.UniversalClient) bool {
			one, ok := c.(*redis.Client)
			return ok && one.Options().ContextTimeoutEnabled
		}, 0, true},
		"redis://127.0.0.1:1?max_retries=-1": {func(c redis.UniversalClient) bool {
			_, ok := c.(*redis.Client)
			return ok
		}, 0, true},
		"redis://127.0.0.1:1?addr=127.0.0.1:2&max_retries=-1": {func(c redis.UniversalClient) bool {
			_, ok := c.(*redis.ClusterClient)
			return ok
		}, 0, false},
		"redis://127.0.0.1:1?addr=127.0.0.1:2": {func(c redis.UniversalClient) bool {
			many, ok := c.(*redis.ClusterClient)
			return ok && many.Options().ContextTimeoutEnabled
		}, Retries, false},
	} {
		c, err := parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		client, err := c.Client(t.Context(), unwrapped)
		if err != nil {
			t.Fatal(err)
		}
		if !want.heeds(client.UniversalClient) || client.Retries != want.retries || c.OneServer() != want.oneServer {
			t.Errorf("%s: a %T with %d retries, one server: %v", raw, client.UniversalClient, client.Retries, c.OneServer())
		}
		_ = client.Close()
	}
}

func TestUnverifiedIsTLSWithAnybody(t *testing.T) {
	for raw, want := range map[string]bool{
		"redis://h": false, "rediss://h": false, "rediss://h?skip_verify=false": false, "rediss://h?skip_verify=true": true, "rediss://h?skip_verify=1": true,
	} {
		if c, err := parse(raw); err != nil || c.Unverified() != want {
			t.Errorf("%s: unverified %v (%v)", raw, c.Unverified(), err)
		}
	}
}

// A store that is closed while its server can't be reached must not wait for the dial.
func TestDialEndsWithTheLife(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := parse("rediss://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	life, end := context.WithCancel(t.Context())
	client, err := c.Client(life, func(conn net.Conn) net.Conn {
		end() // it is connected, and nobody shakes hands
		return conn
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	err = client.Ping(t.Context()).Err()
	if _, ok := errors.AsType[*reply.HandshakeError](err); !ok {
		t.Errorf("the dial ended with %v, want a HandshakeError", err)
	}
}
