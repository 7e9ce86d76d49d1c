package file

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// waitFor waits until n wait for key.
func waitFor(t testing.TB, s *Store, key string, n int) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; {
		info, err := s.Inspect(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if info.Waiters == n {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d wait for %q after 20 s, want %d", info.Waiters, key, n)
		}
		<-time.After(time.Millisecond)
	}
}

func TestFirstComeFirstServedThroughOneStore(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, other := openTest(t, dir), openTest(t, dir)
	r := request("k", time.Hour)
	acquire(t, other, r)
	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	const n = 30
	for i := range n {
		wg.Go(func() {
			q := request("k", time.Hour)
			if _, err := s.Acquire(t.Context(), q); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			if err := s.Release(t.Context(), q); err != nil {
				t.Error(err)
			}
		})
		waitFor(t, s, "k", i+1)
	}
	if err := other.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if len(order) != n || !slices.IsSorted(order) {
		t.Errorf("served in the order %v", order)
	}
}

func TestACancelledWaitLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	r := request("k", time.Hour)
	acquire(t, s, r)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := s.Acquire(ctx, request("k", time.Hour))
		got <- err
	}()
	waitFor(t, s, "k", 1)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) || !errors.Is(err, driver.ErrHeld) {
		t.Errorf("%v, want context.Canceled and ErrHeld", err)
	}
	if info, err := s.Inspect(t.Context(), "k"); err != nil || info.Waiters != 0 {
		t.Errorf("%d wait, %v", info.Waiters, err)
	}
}

// A cancel that races with the grant never leaves the key held.
func TestAGrantThatComesWithTheCancelGoesToTheNext(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	for range 200 {
		r := request("k", time.Hour)
		acquire(t, s, r)
		ctx, cancel := context.WithCancel(t.Context())
		q := request("k", time.Hour)
		got := make(chan error, 1)
		go func() {
			_, err := s.Acquire(ctx, q)
			got <- err
		}()
		waitFor(t, s, "k", 1)
		go cancel()
		if err := s.Release(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		err := <-got
		if err == nil {
			err = s.Release(t.Context(), q)
		} else if errors.Is(err, driver.ErrHeld) {
			err = nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if info, err := s.Inspect(t.Context(), "k"); err != nil || len(info.Holders)+info.Waiters > 0 {
			t.Fatalf("left behind: %+v, %v", info, err)
		}
	}
}

func TestAWaiterOfAnotherStoreIsWokenByExpiryBreakAndClose(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(*Store) error{
		"close":  func(a *Store) error { return a.Close() },
		"break":  func(a *Store) error { _, err := a.Break(context.Background(), "k"); return err },
		"expiry": func(a *Store) error { return nil },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := dirFor(t)
			a, b := openTest(t, dir), openTest(t, dir)
			lease := time.Hour
			if what == "expiry" {
				lease = 300 * time.Millisecond
			}
			from := time.Now()
			acquire(t, a, request("k", lease))
			got := make(chan error, 1)
			go func() {
				_, err := b.Acquire(t.Context(), request("k", time.Hour))
				got <- err
			}()
			if what != "expiry" {
				waitFor(t, b, "k", 1)
			}
			if err := end(a); err != nil {
				t.Fatal(err)
			}
			if err := <-got; err != nil {
				t.Fatal(err)
			}
			if what == "expiry" && time.Since(from) < lease {
				t.Errorf("granted %v after a lease of %v", time.Since(from), lease)
			}
		})
	}
}

// Without a watch the store looks by itself, and says so.
func TestWaitersWakeWithoutAWatch(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	a := openTest(t, dir)
	a.place.watch.close() // nothing more can be watched
	b := openTest(t, dir)
	if ws := b.Warnings(); len(ws) != 1 || !strings.Contains(ws[0].Error(), "max_user_watches") {
		t.Errorf("warnings: %v, want one that says what may prevent it", ws)
	}
	a.place.mu.Lock()
	delete(a.place.stores, b.seat.slot) // as in another process
	a.place.mu.Unlock()
	r := request("k", time.Hour)
	acquire(t, a, r)
	got := make(chan error, 1)
	go func() {
		_, err := b.Acquire(t.Context(), request("k", time.Hour))
		got <- err
	}()
	waitFor(t, a, "k", 1)
	if err := a.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not woken in 20 s")
	}
}

func TestStopWithinTheCallOfALoss(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	var stop func()
	done := make(chan struct{}, 3)
	stop = s.NotifyLost(func(driver.Loss) {
		stop()
		done <- struct{}{}
	})
	lose := func() {
		t.Helper()
		acquire(t, s, request("k", time.Hour))
		if _, err := s.Break(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	<-done
	lose()
	if err := s.Close(); err != nil { // waits for all calls
		t.Fatal(err)
	}
	if len(done) > 0 {
		t.Errorf("called %d times after it was stopped", len(done))
	}
}
