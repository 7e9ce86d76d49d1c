// Package locks has the tests of what package locks promises that run on every
// driver, on real servers: several registries stand for the processes that share
// a store.
package locks
