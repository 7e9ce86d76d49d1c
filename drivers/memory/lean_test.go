package memory

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

func TestUncontendedAllocatesNothing(t *testing.T) {
	s, ctx := New(), context.Background()
	one, other := request("0123456789abcdef", 1), request("fedcba9876543210", 2)
	batch := []driver.Request{one, other}
	n := testing.AllocsPerRun(1000, func() {
		_, err1 := s.TryAcquire(ctx, one)
		_, err2 := s.Acquire(ctx, other)
		_, err3 := s.TryAcquire(ctx, one) // again
		_, err4 := s.Extend(ctx, one)
		_, errs := s.ExtendAll(ctx, batch)
		err5, err6 := s.Release(ctx, one), s.Release(ctx, other)
		for _, err := range []error{err1, err2, err3, err4, err5, err6} {
			if err != nil || errs != nil {
				t.Fatal(err, errs)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHeldLockIsSmall(t *testing.T) {
	if got := heldBytes(t, 1<<17); got > 300 {
		t.Errorf("a held lock costs %.0f bytes, want at most 300", got)
	}
}

func TestNeitherLockNorWaiterHasAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		before := runtime.NumGoroutine()
		for i := range 1000 {
			take(t, s, ask(fmt.Sprint(i), "holder", driver.Exclusive))
		}
		if n := runtime.NumGoroutine() - before; n > 0 {
			t.Errorf("%d goroutines for 1000 locks", n)
		}
		var waits []*outcome
		for i := range 1000 {
			waits = append(waits, wait(t, s, ask(fmt.Sprint(i%500), fmt.Sprint(i), driver.Exclusive)))
		}
		synctest.Wait()
		// What waits are the goroutines of the callers.
		if n := runtime.NumGoroutine() - before - len(waits); n > 0 {
			t.Errorf("%d goroutines for 1000 waiters", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, w := range waits {
			<-w.done
			wantErr(t, "a wait on a closed store", w.err, driver.ErrClosed)
		}
	})
}

func TestTimerOnlyWhileSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, begin := New(), clock.Mono()
		r := ask("k", "a", driver.Exclusive)
		take(t, s, r)
		time.Sleep(time.Second)
		if _, err := s.Extend(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if s.timer("k") != -1 {
			t.Error("a timer, but nobody waits")
		}
		w := wait(t, s, ask("k", "b", driver.Exclusive))
		synctest.Wait()
		if got := s.timer("k"); got-begin != int64(11*time.Second) {
			t.Errorf("the timer is set for %v", time.Duration(got-begin))
		}
		q := s.backend.shard("k").entries["k"].queue
		w.cancel()
		<-w.done
		if q.timer.Stop() {
			t.Error("the timer goes off, but nobody waits any more")
		}
		if s.timer("k") != -1 {
			t.Error("a timer, but nobody waits any more")
		}
		giveBack(t, s, r)

		take(t, s, lasting(r, driver.Forever))
		w = wait(t, s, ask("k", "b", driver.Exclusive))
		synctest.Wait()
		if s.timer("k") != -1 {
			t.Error("a timer for a lease without end")
		}
		giveBack(t, s, lasting(r, driver.Forever))
		<-w.done
	})
}

func TestFreeKeysAreForgotten(t *testing.T) {
	s := New()
	for i := range 10_000 {
		pair(t, s, request(fmt.Sprint(i), i))
	}
	if n := s.entries(); n != 0 {
		t.Errorf("%d free keys in memory", n)
	}
}

func TestSweepBoundsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		for i := range 50_000 {
			take(t, s, lasting(request(fmt.Sprint(i), i), time.Millisecond))
			if i%10 == 9 {
				time.Sleep(time.Millisecond)
			}
		}
		if n := s.entries(); n > shards*firstSweep {
			t.Errorf("%d keys in memory, held at once are 10", n)
		}
	})
}

func TestEndedLeasesGoInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		hold(t, s, requests(50_000)) // for 30 seconds
		held := ask("held", "a", driver.Exclusive)
		take(t, s, lasting(held, driver.Forever))
		time.Sleep(2 * time.Minute)
		for i := range 20 * shards { // a few for every shard
			pair(t, s, request(fmt.Sprint(i), i))
		}
		if n := s.entries(); n != 1 {
			t.Errorf("%d keys in memory, held is one", n)
		}
		for i := range s.backend.shards {
			if peak := s.backend.shards[i].peak; peak > firstSweep {
				t.Errorf("a map is as large as for %d keys", peak)
			}
		}
		giveBack(t, s, held)
	})
}
