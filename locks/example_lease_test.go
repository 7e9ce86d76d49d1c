package locks_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// upload is shared by all goroutines of the program.
var upload = locks.Cache("default", "upload")

// A lock that is taken in one place and given back in another. Each Hold has a
// lease of its own, so that goroutines can share one Lock.
func ExampleLock_Hold() {
	ctx := context.Background()
	begin := func() (*locks.Lease, error) { return upload.Hold(ctx) }
	finish := func(lease *locks.Lease) error { return lease.Release(ctx) }

	lease, err := begin()
	fmt.Println(lease.Active(), err)
	_, err = begin()
	fmt.Println(errors.Is(err, locks.ErrLockActive))
	fmt.Println(upload.Release(ctx)) // reaches no lease of Hold
	fmt.Println(finish(lease), lease.Active())
	// Output:
	// true <nil>
	// true
	// locks: release "upload" on "default": key is not held by this owner
	// <nil> false
}

// The work's context ends when the lease does.
func ExampleLease_Context() {
	lease, err := locks.Cache("default", "watch", locks.WithExpire(20*time.Millisecond)).Hold(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := lease.Context(context.Background())
	<-ctx.Done()
	fmt.Println(errors.Is(context.Cause(ctx), locks.ErrLockExpired))
	fmt.Println(errors.Is(lease.Release(context.Background()), locks.ErrLockLost))
	// Output:
	// true
	// true
}

// A lease is renewed while the work lasts, but a holder that hangs loses it.
func ExampleWithMaxHold() {
	mirror := locks.Cache("default", "mirror",
		locks.WithKeepAlive(300*time.Millisecond), locks.WithMaxHold(300*time.Millisecond))
	err := mirror.Do(context.Background(), func(ctx context.Context) error {
		<-ctx.Done() // it hangs
		return context.Cause(ctx)
	})
	fmt.Println(errors.Is(err, locks.ErrLockExpired))
	// Output: true
}

// A job that was done is not done again for an hour; one that failed may be tried
// again at once.
func ExampleWithKeepOnSuccess() {
	ctx := context.Background()
	hourly := locks.Cache("default", "import:hourly", locks.WithExpire(time.Hour), locks.WithKeepOnSuccess())
	fmt.Println(hourly.Do(ctx, func(context.Context) error { return errors.New("no connection") }))
	fmt.Println(hourly.Do(ctx, func(context.Context) error { return nil }))
	err := hourly.Do(ctx, func(context.Context) error { return nil })
	fmt.Println(errors.Is(err, locks.ErrLockActive))
	// Output:
	// no connection
	// <nil>
	// true
}

// Work that fn starts and does not wait for. With ctx itself, it would end with the
// lock, and asking for the key again would be refused.
func ExampleDetach() {
	ctx := context.Background()
	orders := locks.Cache("default", "orders", locks.WithWait(time.Minute))
	done := make(chan error)
	err := orders.Do(ctx, func(ctx context.Context) error {
		go func() {
			done <- orders.Do(locks.Detach(ctx), func(context.Context) error {
				fmt.Println("after the first")
				return nil
			})
		}()
		fmt.Println("the first")
		return nil
	})
	fmt.Println(err, <-done)
	// Output:
	// the first
	// after the first
	// <nil> <nil>
}

// A function deep inside Do asks for more time.
func ExampleHeld() {
	step := func(ctx context.Context) error {
		lease, ok := locks.Held(ctx)
		if !ok {
			return errors.New("call it under a lock")
		}
		if lease.Remaining() < time.Minute {
			return lease.Extend(ctx, time.Hour)
		}
		return nil
	}
	ctx := context.Background()
	batch := locks.Cache("default", "batch:held", locks.WithExpire(10*time.Second))
	fmt.Println(step(ctx))
	fmt.Println(batch.Do(ctx, step))
	// Output:
	// call it under a lock
	// <nil>
}

// Many may read an account at once; a writer excludes them.
func ExampleKeyed_Read() {
	ctx := context.Background()
	accounts := locks.NewKeyed("default", func(id int) string { return fmt.Sprintf("balance:%d", id) })
	one, two, writer := accounts.Read(42), accounts.Read(42), accounts.Lock(42)
	fmt.Println(one.Acquire(ctx), two.Acquire(ctx))
	fmt.Println(writer.TryAcquire(ctx))
	fmt.Println(one.Release(ctx), two.Release(ctx))
	// Output:
	// <nil> <nil>
	// false <nil>
	// <nil> <nil>
}
