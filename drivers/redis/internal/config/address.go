package config

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Address returns where the server is, for people to read, without user and password.
func (c *Config) Address() string {
	switch c.topology {
	case single:
		return AddressOf(c.server)
	case sentinel:
		return c.failover.MasterName + " of " + strings.Join(c.failover.SentinelAddrs, ",") + "/" + strconv.Itoa(c.failover.DB)
	}
	return strings.Join(c.cluster.Addrs, ",")
}

// AddressOf returns where the server of a client is.
func AddressOf(o *redis.Options) string { return o.Addr + "/" + strconv.Itoa(o.DB) }

// Format prints Address for every verb: nothing else of the URL, and nothing of the
// options of a client, which have secrets.
func (c *Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.Address()) }
