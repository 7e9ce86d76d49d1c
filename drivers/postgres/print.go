package postgres

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// What is printed of a store or connector, with whatever verb, is where its server is:
// nothing else of the URL or of pgx's config, which have secrets.

// String returns where the server is, without user and password.
func (s *Store) String() string {
	return "postgres.Store(" + placeOf(s.backend.config) + ")"
}

// GoString is String, for %#v.
func (s *Store) GoString() string { return s.String() }

// Format is String for every verb.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// String returns where the server is, as far as the URL's host and path say it.
func (c *connector) String() string { return "postgres.Connector(" + c.place + ")" }

// GoString is String, for %#v.
func (c *connector) GoString() string { return c.String() }

// Format is String for every verb.
func (c *connector) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

func placeOf(c *pgconn.Config) string {
	host := c.Host
	if !strings.HasPrefix(host, "/") {
		host = net.JoinHostPort(host, strconv.Itoa(int(c.Port)))
	}
	return host + "/" + c.Database
}
