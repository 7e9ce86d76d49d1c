package locks_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

func init() {
	concurrent.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})
}

// Do takes the lock, runs a function under it, and gives it back.
func ExampleLock_Do() {
	report := locks.Cache("default", "report:2026-11", locks.WithWait(time.Minute))
	err := report.Do(context.Background(), func(ctx context.Context) error {
		fmt.Println("building the report") // with ctx, which ends when the lock does
		return nil
	})
	fmt.Println(err)
	// Output:
	// building the report
	// <nil>
}

// Do of a function that returns a value.
func ExampleDo() {
	report := locks.Cache("default", "report:2026-11")
	total, err := locks.Do(context.Background(), report, func(context.Context) (int, error) {
		return 42, nil
	})
	fmt.Println(total, err)
	// Output: 42 <nil>
}

// Acquire and Release, where a function does not fit. Release works also when
// ctx has ended.
func ExampleLock_Acquire() {
	ctx := context.Background()
	migration := locks.Cache("default", "migration", locks.WithWait(10*time.Second))
	if err := migration.Acquire(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := migration.Release(ctx); err != nil {
			fmt.Println(err)
		}
	}()
	held := migration.Context(ctx) // ends when the lock is lost
	fmt.Println(held.Err(), migration.Active())
	// Output: <nil> true
}

// One of many copies of a service does the job; the others go on.
func ExampleLock_TryAcquire() {
	ctx := context.Background()
	one, other := locks.Cache("default", "nightly"), locks.Cache("default", "nightly")
	got, err := one.TryAcquire(ctx)
	fmt.Println(got, err)
	got, err = other.TryAcquire(ctx)
	fmt.Println(got, err)
	fmt.Println(one.Release(ctx))
	// Output:
	// true <nil>
	// false <nil>
	// <nil>
}

// A write carries the fencing token; the resource refuses smaller ones than it
// has seen.
func ExampleToken() {
	var fence uint64
	write := func(token uint64) error {
		if token < fence {
			return errors.New("refused: somebody newer has written")
		}
		fence = token
		return nil
	}
	var late uint64
	lock := locks.Cache("default", "account:7", locks.WithFencing())
	for range 2 {
		err := lock.Do(context.Background(), func(ctx context.Context) error {
			token, _ := locks.Token(ctx)
			if late == 0 {
				late = token // this holder pauses here …
				return nil
			}
			return write(token)
		})
		fmt.Println(err)
	}
	fmt.Println(write(late)) // … and wakes when another has had the lock
	// Output:
	// <nil>
	// <nil>
	// refused: somebody newer has written
}

// Many readers, or one writer.
func ExampleRead() {
	ctx := context.Background()
	one, two := locks.Read("default", "settings"), locks.Read("default", "settings")
	writer := locks.Write("default", "settings")
	fmt.Println(one.Acquire(ctx), two.Acquire(ctx))
	fmt.Println(errors.Is(writer.Acquire(ctx), locks.ErrLockActive))
	fmt.Println(one.Release(ctx), two.Release(ctx), writer.Acquire(ctx), writer.Release(ctx))
	// Output:
	// <nil> <nil>
	// true
	// <nil> <nil> <nil> <nil>
}

// At most three at a time, in all processes together.
func ExamplePermit() {
	ctx := context.Background()
	for range 4 {
		got, err := locks.Permit("default", "import", 3).TryAcquire(ctx)
		fmt.Println(got, err)
	}
	// Output:
	// true <nil>
	// true <nil>
	// true <nil>
	// false <nil>
}

// A lock for each account.
func ExampleNewKeyed() {
	accounts := locks.NewKeyed("default", func(id int) string { return fmt.Sprintf("account:%d", id) })
	err := accounts.Lock(42).Do(context.Background(), func(context.Context) error {
		fmt.Println("account 42 is mine")
		return nil
	})
	fmt.Println(err)
	// Output:
	// account 42 is mine
	// <nil>
}

// Of many callers who find nothing, one computes.
func ExampleGetOrSet() {
	cache := map[string]string{}
	get := func(context.Context) (string, bool, error) {
		value, ok := cache["page"]
		return value, ok, nil
	}
	for range 2 {
		value, err := locks.GetOrSet(context.Background(), locks.Cache("default", "page"), get,
			func(context.Context) (string, error) {
				fmt.Println("computing")
				cache["page"] = "<html>"
				return "<html>", nil
			})
		fmt.Println(value, err)
	}
	// Output:
	// computing
	// <html> <nil>
	// <html> <nil>
}

// A lock of this process alone, without a name.
func ExampleLocal() {
	l := locks.Local()
	fmt.Println(l.Do(context.Background(), func(context.Context) error { return nil }))
	// Output: <nil>
}

// A job that is done must not be done again for an hour.
func ExampleWithKeep() {
	ctx := context.Background()
	job := func() error {
		return locks.Cache("default", "hourly", locks.WithExpire(time.Hour), locks.WithKeep()).
			Do(ctx, func(context.Context) error {
				fmt.Println("the job")
				return nil
			})
	}
	fmt.Println(job())
	fmt.Println(errors.Is(job(), locks.ErrLockActive))
	// Output:
	// the job
	// <nil>
	// true
}

// Who holds what, and how to end it.
func ExampleBreak() {
	ctx := context.Background()
	stuck := locks.Cache("default", "jobs:stuck", locks.WithLabel("the report's job"))
	fmt.Println(stuck.Acquire(ctx))
	for info, err := range locks.List(ctx, "default", "jobs:") {
		fmt.Println(info.Key, info.Holders[0].Label, err)
	}
	info, err := locks.Break(ctx, "default", "jobs:stuck")
	fmt.Println("broke", info.Holders[0].Label, err)
	info, err = locks.Inspect(ctx, "default", "jobs:stuck")
	fmt.Println(len(info.Holders), "holders", err)
	// Output:
	// <nil>
	// jobs:stuck the report's job <nil>
	// broke the report's job <nil>
	// 0 holders <nil>
}
