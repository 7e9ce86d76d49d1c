package file

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestCloseGivesBackAndFreesItsSlot(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	a, b := openTest(t, dir), openTest(t, dir)
	kept := request("kept", time.Hour)
	acquire(t, a, kept)
	if err := a.Keep(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		acquire(t, a, request(fmt.Sprint("key", i), driver.Forever))
	}
	acquire(t, b, request("other", time.Hour))
	got := make(chan error, 1)
	go func() {
		_, err := a.Acquire(context.WithoutCancel(t.Context()), request("other", time.Hour))
		got <- err
	}()
	waitFor(t, b, "other", 1)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, driver.ErrClosed) {
		t.Errorf("wait: %v, want ErrClosed", err)
	}
	// What is left is seen in the files, not by way of liveness.
	var keys []string
	for i := range shards {
		var im image
		if err := b.place.shards[i].snapshot(&im); err != nil {
			t.Fatal(err)
		}
		for _, p := range im.parked {
			e, err := p.decode()
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, e.key)
			if len(e.line) > 0 {
				t.Errorf("%q has a line: %+v", e.key, e.line)
			}
		}
	}
	if len(keys) != 2 {
		t.Errorf("left are %q, want kept and other", keys)
	}
	if _, err := a.TryAcquire(t.Context(), request("k", time.Hour)); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("TryAcquire: %v, want ErrClosed", err)
	}
	if c := openTest(t, dir); c.seat.slot != a.seat.slot || c.slot.orphaned {
		t.Errorf("slot %d after %d, orphaned %v", c.seat.slot, a.seat.slot, c.slot.orphaned)
	}
}

// A state file that is stuck delays neither Close nor the end of a wait for
// long, and both are made good.
func TestAStuckFileDelaysNoEnd(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	a, b := openTest(t, dir), openTest(t, dir)
	r := request(keyIn(5), time.Hour)
	acquire(t, a, r)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := b.Acquire(ctx, request(r.Key, time.Hour))
		got <- err
	}()
	waitFor(t, b, r.Key, 1)
	sh := &a.place.shards[5]
	if err := sh.enter(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v, want context.Canceled", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(from); d > 10*time.Second {
		t.Errorf("ending took %v", d)
	}
	sh.leave()
	waitFor(t, b, r.Key, 0)
	acquire(t, b, request(r.Key, time.Hour))
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.local[5].line); n > 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestOpeningAndClosingLeaksNoFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc")
	}
	dir := dirFor(t)
	cycle := func() {
		s := openTest(t, dir)
		acquire(t, s, request("k", time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := s.Acquire(ctx, request("k", time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	before := openFiles(t, dir)
	for range 10 {
		cycle()
	}
	if after := openFiles(t, dir); after != before || before != 0 {
		t.Errorf("%d files of the directory are open, before it were %d", after, before)
	}
}

func TestExtendMovesTheEnd(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	r := request("k", time.Hour)
	acquire(t, s, r)
	for _, lease := range []time.Duration{time.Minute, 2 * time.Hour, driver.Forever} {
		r.Lease = lease
		from := time.Now()
		sent, err := s.Extend(t.Context(), r)
		if err != nil || sent.Before(from) || sent.After(time.Now()) {
			t.Fatalf("sent %v, %v", sent, err)
		}
		info, err := s.Inspect(t.Context(), "k")
		if err != nil || len(info.Holders) != 1 {
			t.Fatalf("%+v, %v", info, err)
		}
		until := info.Holders[0].Until
		if lease == driver.Forever {
			if !until.IsZero() {
				t.Errorf("ends at %v, want never", until)
			}
			continue
		}
		if d := until.Sub(from) - lease; d < -time.Second || d > 10*time.Second {
			t.Errorf("extended by %v, ends in %v", lease, until.Sub(from))
		}
	}
	_, errs := s.ExtendAll(t.Context(), []driver.Request{r, request("k", time.Hour), {}})
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], driver.ErrNotHeld) || !errors.Is(errs[2], driver.ErrInvalidRequest) {
		t.Errorf("%v", errs)
	}
}
