// Package postgres keeps locks on a PostgreSQL server, version 14 or later, as
// advisory locks of sessions.
//
// Importing it registers the schemes "postgres" and "postgresql". URLs are
// pgx's, with its parameters and two of our own:
//
//	postgres://user:password@host:5432/database?sslmode=verify-full
//	postgres://host/database?schema=billing
//	postgres://host/database?fencing=off
//
// schema names the schema that keeps what an advisory lock has no room for, and
// that tells one program's locks from another's; "concurrent" if there is none.
// fencing=off gives no tokens, and saves a flush of the write-ahead log for each
// batch of grants. [New] takes a config of pgx.
//
// # What it promises
//
// All locks of a process are on at most three sessions of its own, one for each
// class of lease lengths that is in use, and one more session listens: four
// backends at most, however many locks and waiters there are. Requests of many
// goroutines travel together. Those who wait mark the key on the server, and are
// told of its release; for the key that a process waits for most, a session stands
// in the server's own queue, for a moment and with no other lock.
//
// The server itself ends a session of which it hears nothing for as long as the
// shortest lease on it, so that the locks of a process that is dead, frozen or
// cut off become free without anybody's help. A process that is healthy gives a
// lock back when its lease ends.
//
// Tokens are made of the server's timeline and a transaction's id, and are on
// disk before they are given: they grow through crashes, restarts and the
// promotion of a standby.
//
// # What it does not
//
// A session that ends for any reason takes all its locks with it: their holders
// learn of it at once while the connection tells, else before the server can
// give them to others. A proxy that shares sessions out, and a standby, are
// refused.
package postgres
