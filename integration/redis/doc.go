// Package redis tests the redis driver on a real server.
package redis
