package memory

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
)

func TestOneLineForAllModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		holder := ask("k", "holder", driver.Exclusive)
		take(t, s, holder)
		modes := []driver.Mode{
			driver.Shared, driver.Shared, driver.Exclusive, // two readers, a writer
			driver.Slots(2), driver.Slots(2), driver.Slots(2), // two permits, a third
			driver.Slots(3), driver.Shared,
		}
		var waits []*outcome
		for i, mode := range modes {
			waits = append(waits, wait(t, s, ask("k", fmt.Sprint(i), mode)))
			synctest.Wait()
		}
		if info, _ := s.Inspect(t.Context(), "k"); info.Waiters != len(modes) {
			t.Errorf("%d waiters, want %d", info.Waiters, len(modes))
		}
		end := func(owner string, mode driver.Mode, granted int) {
			giveBack(t, s, ask("k", owner, mode))
			synctest.Wait()
			wantOver(t, "after "+owner, granted, waits...)
			if info, _ := s.Inspect(t.Context(), "k"); info.Waiters != len(modes)-granted {
				t.Errorf("after %s: %d waiters, want %d", owner, info.Waiters, len(modes)-granted)
			}
		}
		end("holder", driver.Exclusive, 2)
		end("1", driver.Shared, 2)
		end("0", driver.Shared, 3)
		end("2", driver.Exclusive, 5)
		end("3", driver.Slots(2), 7) // two of two, then one of three beside them
		end("5", driver.Slots(2), 7)
		end("4", driver.Slots(2), 7)
		end("6", driver.Slots(3), 8)
		end("7", driver.Shared, 8)
		var last uint64
		for _, w := range waits {
			if w.Token <= last {
				t.Errorf("%s got token %d after %d", w.owner, w.Token, last)
			}
			last = w.Token + uint64(w.Spare)
		}
		if s.entries() != 0 {
			t.Error("the key is still in memory")
		}
	})
}

func TestNobodyGetsPastTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		for i, mode := range []driver.Mode{driver.Shared, driver.Slots(3)} {
			key := fmt.Sprint(i)
			reader, longer := ask(key, "reader", mode), lasting(ask(key, "longer", mode), time.Minute)
			take(t, s, reader)
			take(t, s, longer)
			wantHeld(t, s, ask(key, "writer", driver.Exclusive), time.Minute)
			w := wait(t, s, ask(key, "writer", driver.Exclusive))
			synctest.Wait()
			wantHeld(t, s, ask(key, "newcomer", mode), time.Minute)
			take(t, s, reader) // is there already
			w.cancel()
			<-w.done
			take(t, s, ask(key, "newcomer", mode))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHeldFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, slots := New(), driver.Slots(3)
		for i := range 3 {
			take(t, s, lasting(ask("k", fmt.Sprint(i), slots), time.Duration(i+1)*time.Second))
		}
		wantHeld(t, s, ask("k", "n", slots), time.Second)
		wantHeld(t, s, ask("k", "n", driver.Slots(2)), 2*time.Second)
		wantHeld(t, s, ask("k", "n", driver.Slots(1)), 3*time.Second)
		wantHeld(t, s, ask("k", "n", driver.Exclusive), 3*time.Second)
		take(t, s, lasting(ask("k", "0", slots), driver.Forever))
		wantHeld(t, s, ask("k", "n", slots), 2*time.Second)
		wantHeld(t, s, ask("k", "n", driver.Shared), driver.Forever)
		time.Sleep(2*time.Second - 1)
		wantHeld(t, s, ask("k", "n", slots), 1)
		time.Sleep(time.Nanosecond)
		take(t, s, ask("k", "n", slots))
	})
}

func TestWaitEndsWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		r := ask("k", "a", driver.Exclusive)
		take(t, s, r)
		w := wait(t, s, ask("k", "b", driver.Exclusive))
		synctest.Wait()
		for _, step := range []struct{ sleep, lease time.Duration }{
			{9 * time.Second, 30 * time.Second}, // later than the timer is set for
			{29 * time.Second, driver.Forever},
			{time.Hour, time.Minute},
			{time.Second, 20 * time.Second}, // earlier
		} {
			time.Sleep(step.sleep)
			synctest.Wait()
			if w.over() {
				t.Fatalf("granted after %v: %v", w.after, w.err)
			}
			if _, err := s.Extend(t.Context(), lasting(r, step.lease)); err != nil {
				t.Fatal(err)
			}
		}
		take(t, s, lasting(r, 2*time.Second)) // earlier still
		<-w.done
		if want := time.Hour + 41*time.Second; w.err != nil || w.after != want {
			t.Errorf("granted after %v: %v, want after %v", w.after, w.err, want)
		}
		if until := w.Sent.Add(10 * time.Second); time.Until(until) != 10*time.Second {
			t.Errorf("the lease began at %v, not when it was granted", w.Sent)
		}
		wantErr(t, "Release of the ended lease", s.Release(t.Context(), r), driver.ErrNotHeld)
		wantHeld(t, s, r, 10*time.Second)
		giveBack(t, s, ask("k", "b", driver.Exclusive))
	})
}

// Of many leases the first to end may be extended, and then the timer that was
// set for it must find the next.
func TestWaitEndsWithTheLastOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		for i := range 100 {
			take(t, s, lasting(ask("k", fmt.Sprint(i), driver.Shared), time.Duration(i+1)*time.Second))
		}
		w := wait(t, s, ask("k", "w", driver.Exclusive))
		synctest.Wait()
		for _, i := range []int{0, 50, 99} {
			r := lasting(ask("k", fmt.Sprint(i), driver.Shared), 200*time.Second)
			if _, err := s.Extend(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		<-w.done
		if w.err != nil || w.after != 200*time.Second {
			t.Errorf("granted after %v: %v, want after 200 s", w.after, w.err)
		}
		giveBack(t, s, ask("k", "w", driver.Exclusive))
	})
}

func TestCancelledWaitLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		take(t, s, ask("k", "reader", driver.Shared))
		writer := wait(t, s, ask("k", "writer", driver.Exclusive))
		synctest.Wait()
		behind := wait(t, s, ask("k", "behind", driver.Shared))
		synctest.Wait()
		writer.cancel()
		<-writer.done
		wantErr(t, "the wait", writer.err, context.Canceled)
		wantErr(t, "the wait", writer.err, driver.ErrHeld)
		synctest.Wait()
		wantOver(t, "when nobody waits before it", 1, behind)
		giveBack(t, s, ask("k", "reader", driver.Shared))
		giveBack(t, s, ask("k", "behind", driver.Shared))
	})
}

// The moment between a grant and its waiter's waking, made by hand.
func TestGrantOfACancelledWaitGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		holder, first := ask("k", "holder", driver.Exclusive), ask("k", "first", driver.Exclusive)
		take(t, s, holder)
		sh := s.backend.shard("k")
		sh.mu.Lock()
		w := sh.join(sh.entries["k"], s, &first, sh.backend.now())
		sh.mu.Unlock()
		next := wait(t, s, ask("k", "next", driver.Exclusive))
		synctest.Wait()
		giveBack(t, s, holder)
		if <-w.done; w.err != nil || w.grant.Token == 0 {
			t.Fatalf("granted %+v, %v", w.grant, w.err)
		}
		synctest.Wait()
		wantOver(t, "while the first is granted it", 0, next)
		_, err := sh.giveUp(w, context.DeadlineExceeded)
		wantErr(t, "giving up", err, driver.ErrHeld)
		wantErr(t, "giving up", err, context.DeadlineExceeded)
		synctest.Wait()
		wantOver(t, "when the first gave up", 1, next)
		if next.Token <= w.grant.Token+uint64(w.grant.Spare) {
			t.Errorf("token %d after %d", next.Token, w.grant.Token)
		}
		giveBack(t, s, ask("k", "next", driver.Exclusive))
	})
}

// An owner that asks twice and waits both times has one lease in the end.
func TestOneOwnerWaitsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(5)} {
			s := New()
			take(t, s, ask("k", "holder", driver.Exclusive))
			one, two := wait(t, s, ask("k", "twice", mode)), wait(t, s, ask("k", "twice", mode))
			synctest.Wait()
			giveBack(t, s, ask("k", "holder", driver.Exclusive))
			synctest.Wait()
			wantOver(t, mode.String(), 2, one, two)
			if one.Token != two.Token {
				t.Errorf("%v: tokens %d and %d", mode, one.Token, two.Token)
			}
			giveBack(t, s, ask("k", "twice", mode))
			if s.entries() != 0 {
				t.Errorf("%v: still held", mode)
			}
		}
	})
}

// A store may be closed between the first look at it and the shard's lock, or
// between a grant and its waiter's waking. Both moments are made by hand.
func TestClosedMeanwhile(t *testing.T) {
	s := New()
	r := ask("k", "a", driver.Exclusive)
	take(t, s, r)
	sh := s.backend.shard("k")
	w := sh.join(sh.entries["k"], s, &r, sh.backend.now())
	other := &Store{backend: s.backend}
	take(t, other, ask("k2", "b", driver.Exclusive))
	s.closed.Store(true)
	giveBack(t, other, ask("k2", "b", driver.Exclusive))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, _, err := s.grant(sh, &r, s.backend.now())
	wantErr(t, "a grant", err, driver.ErrClosed)
	_, _, err = s.own(sh, r.Key, r.Owner, r.Mode, clock.Mono())
	wantErr(t, "a look for one's lease", err, driver.ErrClosed)
	sh.settle(sh.entries["k"])
	<-w.done
	g, err := w.outcome()
	wantErr(t, "a wait that was granted", err, driver.ErrClosed)
	if g.Token != 0 {
		t.Error("a grant of a closed store")
	}
}

// A timer that goes off as it is stopped finds its entry free, or in use again.
func TestLateTimerTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		take(t, s, ask("k", "a", driver.Exclusive))
		w := wait(t, s, ask("k", "b", driver.Exclusive))
		synctest.Wait()
		sh := s.backend.shard("k")
		e := sh.entries["k"]
		q := e.queue
		giveBack(t, s, ask("k", "a", driver.Exclusive))
		<-w.done
		giveBack(t, s, ask("k", "b", driver.Exclusive))
		sh.fire(e, q)
		if len(sh.free) != 0 || !e.empty() {
			t.Error("an entry that is free already was freed again")
		}
		take(t, s, ask("k", "c", driver.Exclusive))
		time.Sleep(10 * time.Second)
		sh.fire(e, q)
		if len(sh.entries) != 1 {
			t.Error("an entry that is in use again was touched")
		}
	})
}
