// Package chaos makes bad days for a store of locks, and checks what was
// promised of them.
//
// A Harness says how a driver's store is started and what can go wrong with
// it. Run has several processes take and give back locks on few keys while
// faults come and go by a seed's schedule. Each process writes down what it did
// (Record) by the kernel's monotonic clock, which all processes of a machine
// share, and what they wrote is checked (Check): by rules that need no model,
// and by a model of leases that porcupine looks for an order of events in. A
// Resource takes writes only with a token that is not smaller than the last
// one, and tells how many it stopped.
//
// It is for any driver: call Worker in TestMain, and Test with a Harness.
package chaos
