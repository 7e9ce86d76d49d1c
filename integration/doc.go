// Package integration has the tests that need real servers: the suite on every
// driver that has one, and what the documents say about servers. It is a module
// of its own, so that what it needs is in nobody's module graph.
package integration
