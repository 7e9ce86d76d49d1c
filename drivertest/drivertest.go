// Package drivertest is the suite that shows whether a driver keeps the
// promises of package driver.
//
// A driver's own tests call Run with a Harness:
//
//	func TestConformance(t *testing.T) {
//		drivertest.Run(t, drivertest.Harness{
//			Backend: func(t *testing.T) func(context.Context) (driver.Store, error) {
//				u := "mystore://" + t.TempDir()
//				return func(ctx context.Context) (driver.Store, error) { return open(ctx, u) }
//			},
//		})
//	}
//
// Every case is a subtest named after the promise that it is about, and prints
// the promise when it is broken. What a store has no interface for (see
// [driver.Waiter] and the others), or answers ErrUnsupported to, is skipped and
// says so; everything else must hold.
//
// The suite needs the standard library only.
package drivertest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A Harness tells the suite how to get at stores, and how patient to be.
type Harness struct {
	// Backend makes a backend that nothing else uses, a file folder, a
	// database, or a part of one, and returns what opens one more Store on it.
	// All stores of one backend share their locks. Backend cleans up by
	// t.Cleanup; the suite closes the stores.
	Backend func(t *testing.T) func(ctx context.Context) (driver.Store, error)

	// Late makes such a backend with a line to it on which requests can be held
	// back, where there is one: stores of this process have none. nil skips the
	// cases about requests that arrive late.
	Late func(t *testing.T) LateBackend

	// Lease is the lease whose end the suite waits for. 0 means a second. It
	// is at least the store's Features.MinLease; the longer it is, the less a
	// slow machine matters.
	Lease time.Duration

	// Patience is how long the suite waits for what is to happen "soon", such
	// as a waiter's wake-up, before it calls the promise broken. 0 means ten
	// seconds. Nothing waits that long when the promise is kept.
	Patience time.Duration

	// NamesHolder says that a refusal tells who holds the key and since when: the
	// stores know it without another trip, also of a key that is held through another
	// store of the backend.
	NamesHolder bool

	// Bubble has every case run in a bubble of testing/synctest, where waiting
	// takes no time. For stores of this process that do no I/O.
	Bubble bool

	// AtOnce is how many cases run at a time where they are not in a bubble:
	// most of them wait. 0 means 16. go test -parallel does not matter.
	AtOnce int

	// Cycles is how often one key is taken and given back to see its tokens
	// grow. 0 means 100,000.
	Cycles int

	// Waiters is how many wait at once, on one key and on as many. 0 means
	// 1,000.
	Waiters int
}

// A LateBackend is a backend whose stores' requests can be held back on their way,
// by a proxy between the stores and their server for example.
type LateBackend struct {
	// Open opens one more Store.
	Open func(ctx context.Context) (driver.Store, error)

	// Hold holds back the next request that a store of the backend sends, and
	// what follows it on the same connection. What is sent on other connections,
	// old or new, arrives. deliver lets what was held back arrive, although its
	// sender may have closed the connection since, returns when the backend has
	// carried it out, and reports whether there was anything.
	Hold func() (deliver func() bool)
}

// Run runs the suite, each case on a backend of its own.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Backend == nil {
		t.Fatal("drivertest: Harness.Backend is nil: say how a store is opened")
	}
	h = h.withDefaults()
	turns := make(chan struct{}, h.AtOnce)
	var wg sync.WaitGroup
	for _, topic := range topics {
		wg.Go(func() {
			t.Run(topic.name, func(t *testing.T) { h.runTopic(t, topic, turns) })
		})
	}
	wg.Wait()
}

// runTopic runs cases of one topic, each when it gets a turn.
func (h Harness) runTopic(t *testing.T, topic topic, turns chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range topic.cases {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			t.Run(c.promise, func(t *testing.T) { h.run(t, c) })
		})
	}
}

func (h Harness) withDefaults() Harness {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&h.Lease, time.Second)
	set(&h.Patience, 10*time.Second)
	if h.AtOnce == 0 {
		h.AtOnce = 16
	}
	if h.Bubble {
		h.AtOnce = 1 // nothing is gained: no time passes
	}
	if h.Cycles == 0 {
		h.Cycles = 100_000
	}
	if h.Waiters == 0 {
		h.Waiters = 1_000
	}
	return h
}

func (h Harness) run(t *testing.T, c promised) {
	if h.Bubble {
		synctest.Test(t, func(t *testing.T) { c.run(newScene(t, h, c.promise)) })
		return
	}
	c.run(newScene(t, h, c.promise))
}

// A promised is one promise, and what shows whether it is kept.
type promised struct {
	promise string
	run     func(*scene)
}

// A topic is the promises about one thing.
type topic struct {
	name  string
	cases []promised
}

var topics = []topic{
	{"exclusion", exclusion},
	{"owner", ownership},
	{"lease", leasing},
	{"token", tokens},
	{"mode", modes},
	{"size", sizes},
	{"wait", waits},
	{"crowd", crowds},
	{"keep", keeping},
	{"inspect", inspecting},
	{"break", breaking},
	{"loss", losing},
	{"batch", batches},
	{"key", keys},
	{"context", contexts},
	{"features", features},
	{"late", late},
	{"close", closing},
}
