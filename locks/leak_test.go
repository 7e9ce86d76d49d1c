package locks

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

// A Lock that the program dropped while it was active is renewed no more, and
// the observer is told.
func TestDroppedLock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		func() { mustAcquire(t, b.cache("k")) }()
		kept := b.cache("kept")
		mustAcquire(t, kept)
		for range 3 {
			runtime.GC()
		}
		time.Sleep(2 * time.Minute)
		if !b.free(t, "k") {
			t.Error("the dropped lock is still renewed")
		}
		leaks := b.saw(concurrent.EventLeaked)
		if len(leaks) != 1 || leaks[0].Key != "k" || leaks[0].Err == nil {
			t.Errorf("told of %+v", leaks)
		}
		mustRelease(t, kept)
	})
}

// A dropped Lock is a leak however it was got: through a line, passed on there,
// shared, or local.
func TestDroppedLocksOfEveryKind(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		func() {
			holder := b.cache("passed on", WithWait(Forever))
			mustAcquire(t, holder)
			heir := b.cache("passed on", WithWait(Forever))
			done := queued(t, heir)
			mustRelease(t, holder)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			mustAcquire(t, b.cache("waited for", WithWait(Forever)))
			mustAcquire(t, Read("default", "read", r))
			mustAcquire(t, Permit("default", "permit", 2, r))
			mustAcquire(t, NewKeyed("default", func(k string) string { return k }, r).Lock("keyed"))
			mustAcquire(t, b.cache("without end", WithExpire(Forever)))
		}()
		for range 3 {
			runtime.GC()
		}
		time.Sleep(time.Minute)
		var leaked []string
		for _, e := range b.saw(concurrent.EventLeaked) {
			leaked = append(leaked, e.Key)
			if e.Token == 0 || e.Alias != "default" || !strings.Contains(e.Err.Error(), "dropped") {
				t.Errorf("told of %+v", e)
			}
		}
		slices.Sort(leaked)
		if want := []string{"keyed", "passed on", "permit", "read", "waited for", "without end"}; !slices.Equal(leaked, want) {
			t.Errorf("told of %q, want %q", leaked, want)
		}
		if n := len(b.saw(concurrent.EventLost)); n != 0 {
			t.Errorf("%d leases lost besides", n)
		}
	})
}

// Who waits in line behind a Lock that was dropped gets the key when its lease
// ends, and not before.
func TestWaiterBehindADroppedLock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		began := time.Now()
		func() { mustAcquire(t, b.cache("k", WithWait(Forever), WithKeepAlive(30*time.Second))) }()
		next := b.cache("k", WithWait(Forever))
		done := queued(t, next)
		for range 3 {
			runtime.GC()
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("got after %v, the lease was 30 s", took)
		}
		mustRelease(t, next)
	})
}

// A context made of a lock that was dropped ends when the leak is noticed, as
// the lease is renewed no more.
func TestContextOfADroppedLockEnds(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		ctx := func() context.Context {
			l := b.cache("k", WithKeepAlive(30*time.Second))
			mustAcquire(t, l)
			return l.Context(t.Context())
		}()
		for range 3 {
			runtime.GC()
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		wantIs(t, context.Cause(ctx), ErrLockLost)
	})
}

// A Lock that is not renewed anyway ends at its time: no leak, but a loss.
func TestDroppedLockThatIsNotRenewed(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		func() { mustAcquire(t, b.cache("k", WithExpire(10*time.Second))) }()
		for range 3 {
			runtime.GC()
		}
		time.Sleep(time.Minute)
		if lost := b.saw(concurrent.EventLost); len(lost) != 1 || !errors.Is(lost[0].Err, ErrLockExpired) {
			t.Errorf("told of %+v", lost)
		}
	})
}

// Do holds its lease itself, whatever becomes of the Lock.
func TestDoOfADroppedLockIsNoLeak(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		err := b.cache("k").Do(t.Context(), func(ctx context.Context) error {
			for range 3 {
				runtime.GC()
			}
			time.Sleep(time.Hour)
			return ctx.Err()
		})
		if err != nil || len(b.saw(concurrent.EventLeaked)) != 0 {
			t.Errorf("%v, %d leaks", err, len(b.saw(concurrent.EventLeaked)))
		}
	})
}
