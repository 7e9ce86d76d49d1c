package locks_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

// printer prints the events of locks.
type printer struct{}

func (printer) Observe(_ context.Context, e concurrent.Event) {
	fmt.Println(e.Kind, e.Key)
}

// An observer is told of everything, until it is removed.
func ExampleWithRegistry_observe() {
	r := concurrent.NewRegistry()
	r.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})
	remove := r.Observe(printer{}) // concurrent.Observe for the default registry
	report := locks.Cache("default", "report", locks.WithRegistry(r))
	nothing := func(context.Context) error { return nil }

	ctx := context.Background()
	fmt.Println(report.Do(ctx, nothing))
	remove()
	fmt.Println(report.Do(ctx, nothing)) // told to nobody
	// Output:
	// acquired report
	// released report
	// <nil>
	// <nil>
}

// What happened on each alias, for metrics.
func ExampleWithRegistry_stats() {
	r := concurrent.NewRegistry()
	r.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})
	lock := func() *locks.Lock { return locks.Cache("default", "report", locks.WithRegistry(r)) }

	ctx := context.Background()
	holder := lock()
	fmt.Println(holder.Acquire(ctx))
	got, err := lock().TryAcquire(ctx)
	fmt.Println(got, err)
	for _, s := range r.Stats() { // concurrent.Stats for the default registry
		fmt.Println(s.Alias, "held", s.Held, "acquired", s.Acquired, "refused", s.Refused)
	}
	fmt.Println(holder.Release(ctx))
	// Output:
	// <nil>
	// false <nil>
	// default held 1 acquired 1 refused 1
	// <nil>
}

// One alias is ended and configured anew while the program runs. Its locks then use
// the new store.
func ExampleWithRegistry_remove() {
	r := concurrent.NewRegistry()
	r.MustConfigure(concurrent.Aliases{"default": {URL: "memory://old"}})
	report := locks.Cache("default", "report", locks.WithRegistry(r))
	nothing := func(context.Context) error { return nil }

	ctx := context.Background()
	fmt.Println(report.Do(ctx, nothing))
	fmt.Println(r.Remove(ctx, "default")) // waits for holders
	fmt.Println(errors.Is(report.Do(ctx, nothing), concurrent.ErrUnknownAlias))
	r.MustConfigure(concurrent.Aliases{"default": {URL: "memory://new"}})
	fmt.Println(report.Do(ctx, nothing))
	// Output:
	// <nil>
	// <nil>
	// true
	// <nil>
}
