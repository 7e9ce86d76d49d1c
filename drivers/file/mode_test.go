package file

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func in(mode driver.Mode, r driver.Request) driver.Request {
	r.Mode = mode
	return r
}

func release(t *testing.T, s *Store, r driver.Request) {
	t.Helper()
	if err := s.Release(t.Context(), r); err != nil {
		t.Fatalf("Release(%q): %v", r.Key, err)
	}
}

// waits has r acquired in the background.
func waits(t *testing.T, s *Store, r driver.Request) <-chan error {
	got := make(chan error, 1)
	go func() {
		_, err := s.Acquire(context.WithoutCancel(t.Context()), r)
		got <- err
	}()
	return got
}

func TestOneOwnerInTwoModes(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	lost := make(chan driver.Loss, 10)
	defer s.NotifyLost(func(l driver.Loss) { lost <- l })()
	r := in(driver.Slots(3), request("k", time.Hour))
	acquire(t, s, r)
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2), driver.Slots(4)} {
		other := in(mode, r)
		_, again := s.TryAcquire(t.Context(), other)
		_, waited := s.Acquire(t.Context(), other)
		_, extended := s.Extend(t.Context(), other)
		for what, got := range map[string][2]error{
			"TryAcquire": {again, driver.ErrInvalidRequest},
			"Acquire":    {waited, driver.ErrInvalidRequest},
			"Extend":     {extended, driver.ErrNotHeld},
			"Release":    {s.Release(t.Context(), other), driver.ErrNotHeld},
			"Keep":       {s.Keep(t.Context(), other), driver.ErrNotHeld},
		} {
			if !errors.Is(got[0], got[1]) {
				t.Errorf("%s in mode %v: %v, want %v", what, mode, got[0], got[1])
			}
		}
	}
	release(t, s, r)
	if err := s.Close(); err != nil { // waits for all calls
		t.Fatal(err)
	}
	if len(lost) > 0 {
		t.Errorf("told of a loss: %+v", <-lost)
	}
}

// An owner that asks twice and waits both times has one lease in the end.
func TestOneOwnerWaitsTwice(t *testing.T) {
	t.Parallel()
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(5)} {
		s := openTest(t, dirFor(t))
		holder, twice := request("k", time.Hour), in(mode, request("k", time.Hour))
		acquire(t, s, holder)
		one := waits(t, s, twice)
		waitFor(t, s, "k", 1)
		two := waits(t, s, twice)
		waitFor(t, s, "k", 2)
		release(t, s, holder)
		if err := errors.Join(<-one, <-two); err != nil {
			t.Errorf("%v: %v", mode, err)
		}
		if info, err := s.Inspect(t.Context(), "k"); err != nil || len(info.Holders) != 1 {
			t.Errorf("%v: %+v, %v", mode, info, err)
		}
		release(t, s, twice)
	}
}

// Permits of two sizes in one line, of two stores: the small one at its head is
// not passed, and waits till fewer than its own n are held.
func TestSmallPermitIsNotPassed(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, other := openTest(t, dir), openTest(t, dir)
	var held []driver.Request
	for range 4 {
		r := in(driver.Slots(4), request("k", time.Hour))
		acquire(t, other, r)
		held = append(held, r)
	}
	small := waits(t, s, in(driver.Slots(2), request("k", time.Hour)))
	waitFor(t, s, "k", 1)
	large := waits(t, other, in(driver.Slots(4), request("k", time.Hour)))
	waitFor(t, s, "k", 2)
	for _, r := range held[:2] {
		release(t, other, r)
		waitFor(t, s, "k", 2)
	}
	release(t, other, held[2])
	if err := errors.Join(<-small, <-large); err != nil {
		t.Fatal(err)
	}
	info, err := s.Inspect(t.Context(), "k")
	if err != nil || len(info.Holders) != 3 {
		t.Fatalf("%+v, %v", info, err)
	}
	for i, want := range []driver.Mode{driver.Slots(4), driver.Slots(2), driver.Slots(4)} {
		if got := info.Holders[i].Mode; got != want {
			t.Errorf("permit %d is shown as %v, was granted as %v", i, got, want)
		}
	}
}
