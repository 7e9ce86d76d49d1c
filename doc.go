// Package concurrent configures named locks: which stores they are kept in,
// under which names. The locks themselves are in package locks.
//
// A program imports the drivers that it needs, gives each store a name, its
// alias, and makes locks by alias and key:
//
//	import (
//		"github.com/concurrent-go/concurrent"
//		_ "github.com/concurrent-go/concurrent/drivers/redis"
//		"github.com/concurrent-go/concurrent/locks"
//	)
//
//	func init() {
//		concurrent.MustConfigure(concurrent.Aliases{
//			"default": {URL: "memory://"},
//			"locks":   {URL: "redis://localhost:6379/0", Prefix: "billing:"},
//		})
//	}
//
//	var report = locks.Cache("locks", "report:2026-11")
//
// No alias exists until it is configured. Configuring does no I/O: a store is
// opened by the first lock that needs it, once, and shared from then on. An
// alias is looked up when a lock is acquired, so that locks can be package
// variables.
//
// # Configuration from outside the program
//
// [Aliases] can be read from JSON:
//
//	{
//		"default": {"url": "redis://app:${REDIS_PASSWORD}@localhost:6379/0", "lease": "30s"},
//		"slow":    {"url": "postgres://db/locks", "lease": "5m", "prefix": "billing:"}
//	}
//
// and [ConfigureEnv] reads URLs from the environment.
//
// # Secrets
//
// No error of this package shows a password, nor does a [Config] that is
// printed with fmt, logged with log/slog, or marshalled to JSON.
//
// # Registries
//
// The functions of this package work on [Default]. A test, or a program made
// of parts that must not share aliases, makes a [Registry] of its own. Drivers
// are registered once for the whole process.
package concurrent
