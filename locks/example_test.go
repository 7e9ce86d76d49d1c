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
	var held []*locks.Lock
	for range 4 {
		permit := locks.Permit("default", "downloads", 3)
		got, err := permit.TryAcquire(ctx)
		fmt.Println(got, err)
		if got {
			held = append(held, permit)
		}
	}
	for _, permit := range held {
		_ = permit.Release(ctx)
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

// The whole of it: a lock that waits for a minute, is renewed while fn runs, and
// ends fn's context when it is lost.
func ExampleCache() {
	report := locks.Cache("default", "report:2026-12", locks.WithWait(time.Minute))
	total, err := locks.Do(context.Background(), report, func(ctx context.Context) (int, error) {
		return 42, ctx.Err()
	})
	fmt.Println(total, err)
	// Output: 42 <nil>
}

// A wait that is over says so; one that the context ended says that too.
func ExampleWithWait() {
	ctx := context.Background()
	holder := locks.Cache("default", "import")
	fmt.Println(holder.Acquire(ctx))

	patient := locks.Cache("default", "import", locks.WithWait(time.Minute))
	time.AfterFunc(10*time.Millisecond, func() { _ = holder.Release(ctx) })
	fmt.Println(patient.Acquire(ctx)) // woken by the release

	err := locks.Cache("default", "import", locks.WithWait(time.Millisecond)).Acquire(ctx)
	fmt.Println(errors.Is(err, locks.ErrLockActive))

	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	err = locks.Cache("default", "import", locks.WithWait(locks.Forever)).Acquire(short)
	fmt.Println(errors.Is(err, locks.ErrLockActive), errors.Is(err, context.DeadlineExceeded))
	fmt.Println(patient.Release(ctx))
	// Output:
	// <nil>
	// <nil>
	// true
	// true true
	// <nil>
}

// Acquire of a held key without an error, as raise_exception=False was.
func ExampleWithRaise() {
	ctx := context.Background()
	holder := locks.Cache("default", "raise")
	fmt.Println(holder.Acquire(ctx))
	quiet := locks.Cache("default", "raise", locks.WithRaise(false))
	fmt.Println(quiet.Acquire(ctx), quiet.Active())
	fmt.Println(holder.Release(ctx))
	// Output:
	// <nil>
	// <nil> false
	// <nil>
}

// One writer, and nobody beside it.
func ExampleWrite() {
	ctx := context.Background()
	writer := locks.Write("default", "config")
	err := writer.Do(ctx, func(ctx context.Context) error {
		got, err := locks.Read("default", "config").TryAcquire(ctx)
		fmt.Println("a reader beside it:", got)
		return err
	})
	fmt.Println(err)
	// Output:
	// a reader beside it: false
	// <nil>
}

// A lock that is to end at a fixed time, made longer while the work goes on.
func ExampleLock_Extend() {
	ctx := context.Background()
	batch := locks.Cache("default", "batch", locks.WithExpire(10*time.Second))
	fmt.Println(batch.Acquire(ctx))
	fmt.Println(batch.Extend(ctx, time.Hour))
	fmt.Println(batch.Remaining() > 59*time.Minute, batch.Release(ctx))
	// Output:
	// <nil>
	// <nil>
	// true <nil>
}

// Work that is not one function: its context ends with the lock, and the cause
// tells why.
func ExampleLock_Context() {
	ctx := context.Background()
	leader := locks.Cache("default", "leader", locks.WithExpire(20*time.Millisecond))
	fmt.Println(leader.Acquire(ctx))
	held := leader.Context(ctx)
	<-held.Done() // the lease is over
	fmt.Println(errors.Is(context.Cause(held), locks.ErrLockExpired))
	fmt.Println(errors.Is(leader.Release(ctx), locks.ErrLockLost))
	// Output:
	// <nil>
	// true
	// true
}

// A job that takes a moment, on machines whose clocks differ by less than a
// minute, is done once.
func ExampleWithMinHold() {
	ctx := context.Background()
	done := 0
	for range 3 { // machines
		err := locks.Cache("default", "nightly:2026-11-23", locks.WithMinHold(time.Minute)).
			Do(ctx, func(context.Context) error { done++; return nil })
		if err != nil {
			fmt.Println(errors.Is(err, locks.ErrLockActive))
		}
	}
	fmt.Println("done", done, "time")
	// Output:
	// true
	// true
	// done 1 time
}

// Who holds a key, and for how long.
func ExampleInspect() {
	ctx := context.Background()
	export := locks.Cache("default", "export", locks.WithLabel("export of May"), locks.WithExpire(time.Hour))
	fmt.Println(export.Acquire(ctx))
	info, err := locks.Inspect(ctx, "default", "export")
	for _, h := range info.Holders {
		fmt.Println(h.Label, h.Until.Sub(h.Since), h.Token == export.Token(), err)
	}
	fmt.Println(export.Release(ctx))
	// Output:
	// <nil>
	// export of May 1h0m0s true <nil>
	// <nil>
}

// What is held, of the keys that begin so.
func ExampleList() {
	ctx := context.Background()
	night := locks.Cache("default", "cron:night", locks.WithLabel("host 7"))
	fmt.Println(night.Acquire(ctx))
	for info, err := range locks.List(ctx, "default", "cron:") {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(info.Key, info.Holders[0].Label)
	}
	fmt.Println(night.Release(ctx))
	// Output:
	// <nil>
	// cron:night host 7
	// <nil>
}

// A registry of one's own, for a library or a test.
func ExampleWithRegistry() {
	r := concurrent.NewRegistry()
	r.MustConfigure(concurrent.Aliases{"jobs": {URL: "memory://", Lease: 10 * time.Second}})
	job := locks.Cache("jobs", "nightly", locks.WithRegistry(r))
	ctx := context.Background()
	fmt.Println(job.Do(ctx, func(context.Context) error { return nil }))
	fmt.Println(r.Shutdown(ctx))
	// Output:
	// <nil>
	// <nil>
}
