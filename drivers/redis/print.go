package redis

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// What is printed of a store or connector, with whatever verb, is where its server is:
// nothing else of the URL, and nothing of a client's options, which have secrets.

// String returns where the server is, without user and password.
func (s *Store) String() string { return "redis.Store(" + s.place + ")" }

// GoString is String, for %#v.
func (s *Store) GoString() string { return s.String() }

// Format is String for every verb.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// String returns where the server is, without user and password.
func (c *connector) String() string { return "redis.Connector(" + c.place() + ")" }

// GoString is String, for %#v.
func (c *connector) GoString() string { return c.String() }

// Format is String for every verb.
func (c *connector) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

func (c *connector) place() string {
	switch c.topology {
	case single:
		return placeOf(c.server)
	case sentinel:
		return c.failover.MasterName + " of " + strings.Join(c.failover.SentinelAddrs, ",") + "/" + strconv.Itoa(c.failover.DB)
	}
	return strings.Join(c.cluster.Addrs, ",")
}

func placeOf(o *redis.Options) string { return o.Addr + "/" + strconv.Itoa(o.DB) }
