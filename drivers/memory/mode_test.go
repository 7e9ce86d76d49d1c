package memory

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestOneOwnerInTwoModes(t *testing.T) {
	s := New()
	for _, held := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3)} {
		key := held.String()
		take(t, s, ask(key, "a", held))
		for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2), driver.Slots(4)} {
			if mode == held {
				continue
			}
			_, err := s.TryAcquire(t.Context(), ask(key, "a", mode))
			wantErr(t, "TryAcquire", err, driver.ErrInvalidRequest)
			_, err = s.Acquire(t.Context(), ask(key, "a", mode))
			wantErr(t, "Acquire", err, driver.ErrInvalidRequest)
			wantErr(t, "Release", s.Release(t.Context(), ask(key, "a", mode)), driver.ErrNotHeld)
			wantErr(t, "Keep", s.Keep(t.Context(), ask(key, "a", mode)), driver.ErrNotHeld)
			_, err = s.Extend(t.Context(), ask(key, "a", mode))
			wantErr(t, "Extend", err, driver.ErrNotHeld)
		}
		giveBack(t, s, ask(key, "a", held))
	}
}

// An owner that waits in two modes gets the first, and hears that the second is
// in its own way instead of waiting for itself.
func TestOneOwnerWaitsInTwoModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, second := range []driver.Mode{driver.Exclusive, driver.Slots(2), driver.Slots(4)} {
			s := New()
			take(t, s, ask("k", "holder", driver.Exclusive))
			one := wait(t, s, ask("k", "twice", driver.Slots(3)))
			synctest.Wait()
			two := wait(t, s, ask("k", "twice", second))
			synctest.Wait()
			giveBack(t, s, ask("k", "holder", driver.Exclusive))
			<-one.done
			<-two.done
			if one.err != nil {
				t.Errorf("the first wait: %v", one.err)
			}
			wantErr(t, "the wait in mode "+second.String(), two.err, driver.ErrInvalidRequest)
			giveBack(t, s, ask("k", "twice", driver.Slots(3)))
		}
	})
}

// Permits of two sizes in one line: the small one at its head is not passed,
// waits till fewer than its own n are held, and is woken by whatever makes room.
func TestSmallPermitIsNotPassed(t *testing.T) {
	for what, end := range map[string]func(t *testing.T, s *Store, owner int){
		"release": func(t *testing.T, s *Store, owner int) {
			giveBack(t, s, ask("k", fmt.Sprint(owner), driver.Slots(4)))
		},
		"expiry": func(t *testing.T, s *Store, owner int) {
			if _, err := s.Extend(t.Context(), lasting(ask("k", fmt.Sprint(owner), driver.Slots(4)), time.Second)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New()
				for i := range 4 {
					take(t, s, lasting(ask("k", fmt.Sprint(i), driver.Slots(4)), time.Hour))
				}
				small := wait(t, s, lasting(ask("k", "small", driver.Slots(2)), time.Hour))
				synctest.Wait()
				large := wait(t, s, lasting(ask("k", "large", driver.Slots(4)), time.Hour))
				synctest.Wait()
				for i, granted := range []int{0, 0, 2} {
					end(t, s, i)
					synctest.Wait()
					wantOver(t, fmt.Sprint("after ", i+1, " ended"), granted, small, large)
				}
			})
		})
	}
}

func TestPermitsAreShownAsTheyWereGranted(t *testing.T) {
	s := New()
	sizes := []driver.Mode{driver.Slots(1), driver.Slots(7), driver.Slots(3)}
	for i, mode := range sizes {
		take(t, s, ask("k", fmt.Sprint(i), mode))
	}
	info, err := s.Inspect(t.Context(), "k")
	if err != nil || len(info.Holders) != len(sizes) {
		t.Fatalf("%+v, %v", info, err)
	}
	for i, h := range info.Holders {
		if h.Mode != sizes[i] {
			t.Errorf("permit %d is shown as %v, was granted as %v", i, h.Mode, sizes[i])
		}
	}
}
