package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/gofrs/flock"

	"github.com/concurrent-go/concurrent/driver"
)

// waitIn has somebody wait for key, until ctx ends.
func waitIn(ctx context.Context, t *testing.T, s *Store, key string) <-chan error {
	t.Helper()
	got := make(chan error, 1)
	go func() {
		_, err := s.Acquire(ctx, request(key, time.Hour))
		got <- err
	}()
	waitFor(t, s, key, 1)
	return got
}

// A change that can't be written is told to all whom it concerns, changes
// nothing, and leaves nobody behind in the line.
func TestAChangeThatCantBeWrittenChangesNothing(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	key := keyIn(6)
	r := request(key, time.Hour)
	acquire(t, s, r)
	got := waitIn(t.Context(), t, s, key)
	next := s.place.shards[6].next
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(next, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), r); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), next) {
		t.Errorf("Release: %v, want ErrUnavailable that names %s", err, next)
	}
	if err := <-got; !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("who waited: %v, want ErrUnavailable", err)
	}
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	s.serve(6) // as another process does who calls
	waitFor(t, s, key, 0)
	if _, err := s.Extend(t.Context(), r); err != nil {
		t.Errorf("Extend after a release that failed: %v", err)
	}
	if err := s.Release(t.Context(), r); err != nil {
		t.Error(err)
	}
	acquire(t, s, request(key, time.Hour))
}

func TestWhoWaitsIsToldThatNoTokensAreLeft(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	r := request(keyIn(6), time.Hour)
	acquire(t, s, r)
	got := waitIn(t.Context(), t, s, r.Key)
	sh := &s.place.shards[6]
	var im image
	if err := sh.snapshot(&im); err != nil || len(im.parked) != 1 {
		t.Fatal(im, err)
	}
	im.last = maxToken
	if err := sh.save(seal(append(im.appendHeader(nil), im.parked[0].raw...))); err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), r); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "no more tokens") {
		t.Errorf("%v, want ErrUnavailable: no more tokens", err)
	}
}

// Where the kernel dropped events the store looks at all that it was called
// for.
func TestLostEventsStrandNobody(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	a, b := openTest(t, dir), openTest(t, dir)
	b.pace = time.Hour
	r := request("k", time.Hour)
	acquire(t, a, r)
	got := waitIn(t.Context(), t, b, "k")
	if err := b.place.watch.fs.Remove(b.slot.name); err != nil {
		t.Fatal(err)
	}
	a.place.mu.Lock()
	delete(a.place.stores, b.seat.slot) // as in another process
	a.place.mu.Unlock()
	if err := a.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	b.place.watch.fs.Errors <- fsnotify.ErrEventOverflow
	select {
	case err := <-got:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not woken in 20 s")
	}
}

// A store remembers its leases until they end, not longer.
func TestEndedLeasesTakeNoMemory(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	for round := range 5 {
		for i, n := 0, 0; n < 64; i++ {
			if key := fmt.Sprint("key", round, i); shardOf(key) == 9 {
				acquire(t, s, request(key, minLease))
				n++
			}
		}
		// They are over when one that was got after them is.
		for range 2 {
			if _, err := s.Acquire(t.Context(), request(keyIn(9), minLease)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.local[9].held); n > 200 {
		t.Errorf("%d leases are remembered, of which one is held", n)
	}
}

func TestTheBootFileIsChecked(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	if err := openTest(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	c, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	lock := flock.New(bootLock(dir))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Open(ctx); !errors.Is(err, driver.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), bootLock(dir)) {
		t.Errorf("locked by another: %v, want ErrUnavailable and the context's error, naming the file", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	name := dir + "/boot"
	for _, content := range []string{"", "hello", strings.Repeat("z", 33)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("boot file with %q: %v, want ErrDamaged naming it", content, err)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	openTest(t, dir)
}

// A store that closes ends calls that wait for a stuck state file.
func TestCloseEndsCallsOnAStuckFile(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s := openTest(t, dir)
	other := flock.New(s.place.shards[4].lock)
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Unlock() }()
	defer time.AfterFunc(20*time.Second, func() { _ = other.Unlock() }).Stop()
	got := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := s.TryAcquire(context.WithoutCancel(t.Context()), request(keyIn(4), time.Hour))
			got <- err
		}()
	}
	// One of them waits for the kernel's lock, when the turn is taken.
	for len(s.place.shards[4].turn) == 0 {
		<-time.After(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-got; !errors.Is(err, driver.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}

// What was kept before the machine was restarted is held after it, and shown.
func TestKeptKeysOutliveTheMachine(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	key := keyIn(3)
	im := image{boot: [16]byte{1}, at: 1, wall: time.Now().UnixNano()}
	es := []*entry{
		{key: key, holdings: []holding{{until: int64(time.Hour), kept: true}}},
		{key: key + "x", holdings: []holding{{owner: "o", until: forever}}},
	}
	if err := os.WriteFile(s.place.shards[3].data, encodeAll(&im, es), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := s.Inspect(t.Context(), key)
	if err != nil || len(info.Holders) != 1 || time.Until(info.Holders[0].Until) > time.Hour {
		t.Errorf("kept: %+v, %v", info, err)
	}
	for info, err := range s.List(t.Context(), "") {
		if err != nil || info.Key != key {
			t.Errorf("listed: %+v, %v", info, err)
		}
	}
	if _, err := s.TryAcquire(t.Context(), request(key, time.Hour)); !errors.Is(err, driver.ErrHeld) {
		t.Errorf("kept: %v, want ErrHeld", err)
	}
}
