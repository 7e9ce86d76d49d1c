// Package redis keeps locks on a Redis or Valkey server, version 7.0 or later:
// a single one, one behind Sentinel, or a Cluster.
//
// Importing it registers the schemes "redis", "rediss" (TLS) and "redis+unix", and
// "valkey" and "valkeys" (TLS), which mean the same.
// URLs are go-redis's, with its parameters:
//
//	redis://user:password@host:6379/0?read_timeout=2s
//	rediss://host:6380/0?tls_ca_file=/etc/ssl/redis.pem
//	redis+unix:///run/redis/redis.sock?db=1
//	redis://sentinel-1:26379?master_name=main&addr=sentinel-2:26379
//	redis://node-1:6379?addr=node-2:6379&addr=node-3:6379
//
// master_name makes it Sentinel, addr without it a Cluster. [New] takes a
// client that the program already has.
//
// # What it promises
//
// A lock is one key, which scripts on the server read and change, so that each
// change is whole. Leases end on the server's clock. Those who wait are woken
// by a message that hands them the lease, in the order in which they came, dead
// processes skipped; each store has one connection for that, however many
// wait. Requests of many goroutines share round trips.
//
// Tokens are taken from the server's clock, so that they grow also when the
// data is lost.
//
// # What it does not
//
// Redis copies to replicas after it has answered. A failover may forget the
// latest grants, and so may a restart without persistence: then two may hold a
// key until the first one's next renewal finds out. The token tells them apart.
package redis
