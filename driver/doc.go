// Package driver is the contract between package locks and a store of locks.
//
// A store keeps, for each key, who holds it and until when. It need not wait,
// retry, renew or watch the clock of the program that holds a lock: package
// locks does that, once, for every store. Users of locks never meet this
// package; authors of drivers need nothing else, and run package drivertest
// to see that every promise written here is kept.
//
// # Words
//
// A key names what is locked. A grant gives a key to an owner for a lease: a
// length of time counted on the store's clock. The owner is a string that
// nobody can guess, new for every grant asked for, so that whoever knows it is
// its holder. A token is a number that grows with every grant of a key, for
// resources that must refuse a holder whose lease has ended.
//
// # What a failure leaves behind
//
// An error that matches [ErrHeld], [ErrInvalidRequest], [ErrUnsupported] or
// [ErrClosed] tells that nothing was granted. After any other error the store
// may have granted what was asked for, or may still do so when a delayed
// message reaches it: package locks then releases that owner in the background
// until the lease can no longer be held.
package driver
