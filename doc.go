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
// and [ConfigureEnv] configures what the environment names in CONCURRENT_URL,
// CONCURRENT_LEASE and CONCURRENT_PREFIX, and for the alias "locks" in
// CONCURRENT_LOCKS_URL and so on. [Aliases.FromEnv] puts that over a
// configuration from elsewhere.
//
// # While the program runs
//
// [Ping] tells whether locks can be had on an alias, for a health check;
// [Stats] counts what happened on each; an [Observer] is told of everything.
// [Remove] ends the use of one alias, which may be configured again then;
// [Shutdown] ends that of all. Both wait for holders until their context ends,
// and not for a driver or an observer that hangs.
//
// # Secrets
//
// No error of this package shows a password, nor do a [Config] and [Aliases]
// that are printed with fmt, logged with log/slog, or marshalled to JSON. A URL
// is shown up to the first part that is in doubt, and a text that has no scheme
// and "://" at its beginning not at all. Where the name of an alias belongs, only
// what can be a name is shown.
//
// # Registries
//
// The functions of this package work on [Default]. A test, or a program made
// of parts that must not share aliases, makes a [Registry] of its own. Drivers
// are registered once for the whole process.
package concurrent
