package file

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestTokensGrowThroughEverything(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	var last uint64
	step := func(what string, s *Store, r driver.Request) {
		t.Helper()
		g := acquire(t, s, r)
		if g.Token <= last || g.Token+uint64(g.Spare) >= 1<<63 {
			t.Errorf("%s: token %d with %d spare after %d", what, g.Token, g.Spare, last)
		}
		last = g.Token + uint64(g.Spare)
	}
	s := openTest(t, dir)
	for range 200 {
		r := request("k", time.Hour)
		step("release", s, r)
		if err := s.Release(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	step("expiry, first", s, request("k", minLease))
	g, err := s.Acquire(t.Context(), request("k", minLease))
	if err != nil || g.Token <= last {
		t.Errorf("expiry: token %d after %d, %v", g.Token, last, err)
	}
	last = g.Token + uint64(g.Spare)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir)
	step("restart", s, request("k", time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	step("loss of the directory", openTest(t, dir), request("k", time.Hour))
}

// A clock that is set back does not make tokens smaller while the file is
// there.
func TestTokensGrowWhenTheClockIsBehind(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	ahead := uint64(time.Now().Add(24*time.Hour).UnixMicro()) << 10
	im := image{boot: s.place.boot, last: ahead}
	if err := os.WriteFile(s.place.shards[5].data, seal(im.appendHeader(nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	if g := acquire(t, s, request(keyIn(5), time.Hour)); g.Token != ahead+1 {
		t.Errorf("token %d, want %d", g.Token, ahead+1)
	}
	im.last = maxToken - spare
	if err := os.WriteFile(s.place.shards[6].data, seal(im.appendHeader(nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	if g, err := s.TryAcquire(t.Context(), request(keyIn(6), time.Hour)); !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("token %d, %v, want ErrUnavailable: none are left", g.Token, err)
	}
}

func TestDamageIsAnErrorThatNamesTheFile(t *testing.T) {
	t.Parallel()
	old := image{}
	newer := seal(old.appendHeader(nil))
	newer[len(magic)-1]++
	for what, content := range map[string][]byte{
		"empty":           {},
		"foreign":         []byte(strings.Repeat("hello ", 200)),
		"torn":            newer[:300],
		"a newer version": newer,
		"zeros":           make([]byte, 512),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := dirFor(t)
			s := openTest(t, dir)
			bad, good := request(keyIn(7), time.Hour), request(keyIn(8), time.Hour)
			acquire(t, s, bad)
			acquire(t, s, good)
			name := s.place.shards[7].data
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			want := func(op string, err error) {
				t.Helper()
				if !errors.Is(err, ErrDamaged) || !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v, want ErrDamaged and ErrUnavailable naming %s", op, err, name)
				}
			}
			_, err := s.TryAcquire(t.Context(), bad)
			want("TryAcquire", err)
			_, err = s.Acquire(t.Context(), request(bad.Key, time.Hour))
			want("Acquire", err)
			_, err = s.Extend(t.Context(), bad)
			want("Extend", err)
			want("Release", s.Release(t.Context(), bad))
			want("Keep", s.Keep(t.Context(), bad))
			_, err = s.Inspect(t.Context(), bad.Key)
			want("Inspect", err)
			_, err = s.Break(t.Context(), bad.Key)
			want("Break", err)
			_, errs := s.ExtendAll(t.Context(), []driver.Request{bad, good})
			want("ExtendAll", errs[0])
			if errs[1] != nil {
				t.Errorf("a key of another file: %v", errs[1])
			}
			for _, err := range s.List(t.Context(), "") {
				if err != nil {
					want("List", err)
				}
			}
			if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, content) {
				t.Error("the damaged file was changed")
			}
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			acquire(t, s, request(bad.Key, time.Hour))
			if err := s.Release(t.Context(), good); err != nil {
				t.Errorf("a key of another file: %v", err)
			}
		})
	}
}

func TestDamageEndsAWait(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	key := keyIn(9)
	acquire(t, s, request(key, time.Hour))
	got := make(chan error, 1)
	go func() {
		_, err := s.Acquire(t.Context(), request(key, time.Hour))
		got <- err
	}()
	waitFor(t, s, key, 1)
	if err := os.WriteFile(s.place.shards[9].data, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

func TestRemovedDataIsALossThatItsHolderLearns(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	lost := make(chan driver.Loss, 2)
	stop := s.NotifyLost(func(l driver.Loss) { lost <- l })
	defer stop()
	r := request(keyIn(2), time.Hour)
	g := acquire(t, s, r)
	if err := os.Remove(s.place.shards[2].data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Extend(t.Context(), r); !errors.Is(err, driver.ErrNotHeld) {
		t.Errorf("%v, want ErrNotHeld", err)
	}
	if l := <-lost; l.Key != r.Key || l.Owner != r.Owner || l.Err == nil {
		t.Errorf("told of %+v", l)
	}
	if h := acquire(t, s, request(r.Key, time.Hour)); h.Token <= g.Token+spare {
		t.Errorf("token %d after %d", h.Token, g.Token)
	}
}

// Those who wait keep their places, and one of them gets the key, when the
// file that said so was removed.
func TestRemovedDataStrandsNoWaiter(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	key := keyIn(2)
	acquire(t, s, request(key, time.Hour))
	got := make(chan error, 3)
	for i := range 3 {
		go func() {
			r := request(key, time.Hour)
			_, err := s.Acquire(t.Context(), r)
			if err == nil {
				err = s.Release(t.Context(), r)
			}
			got <- err
		}()
		waitFor(t, s, key, i+1)
	}
	if err := os.Remove(s.place.shards[2].data); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}

func TestLeasesOfADeadStoreAreForgotten(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s := openTest(t, dir)
	for i := range 200 {
		acquire(t, s, request(fmt.Sprint("key", i), driver.Forever))
	}
	// Dead without Close, as a killed process is: its slot is unlocked.
	dead := s.slot
	if err := dead.lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	s.place.mu.Lock()
	delete(s.place.stores, s.seat.slot)
	s.place.mu.Unlock()

	next := openTest(t, dir)
	if next.seat.slot != s.seat.slot || next.seat.life == s.seat.life {
		t.Fatalf("slot %+v after %+v", next.seat, s.seat)
	}
	for i := range shards {
		var im image
		if err := next.place.shards[i].snapshot(&im); err != nil || len(im.parked) > 0 {
			t.Errorf("state file %d: %d records, %v", i, len(im.parked), err)
		}
	}
}

// Who only looks, without entering, never takes a file that is being written
// for a damaged one.
func TestLookingMeetsNoHalfWrittenState(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	sh := &s.place.shards[0]
	big := make([]byte, 1<<16)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for at := int64(1); ; at++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			im := image{at: at}
			e := entry{key: string(big[:driver.MaxKey]), line: make([]waiting, at%500)}
			b, _ := e.append(im.appendHeader(nil), nil)
			if err := sh.save(seal(b)); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 3000 {
		if err := sh.snapshot(new(image)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
