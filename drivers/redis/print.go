package redis

import (
	"fmt"
	"io"
)

// What is printed of a store or connector, with whatever verb, is where its server is:
// nothing else of the URL, and nothing of a client's options, which have secrets.

// String returns where the server is, without user and password.
func (s *Store) String() string { return "redis.Store(" + s.address + ")" }

// GoString is String, for %#v.
func (s *Store) GoString() string { return s.String() }

// Format is String for every verb.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// String returns where the server is, without user and password.
func (c *connector) String() string { return "redis.Connector(" + c.config.Address() + ")" }

// GoString is String, for %#v.
func (c *connector) GoString() string { return c.String() }

// Format is String for every verb.
func (c *connector) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
