package redis

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

func TestPermitsOfDifferentNumbers(t *testing.T) {
	srv := start(t)
	requests.Sizes(t, open(t, srv.url()), open(t, srv.url()))
}

// One that asks for a permit of a small number has to wait for several to end.
func TestForHowLongPermitsOfALargerNumberAreHeld(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	for i := range 5 {
		requests.Take(t, s, requests.In(driver.Slots(5), requests.Ask("k", time.Duration(i+1)*time.Minute)))
	}
	for n, want := range map[int]time.Duration{5: time.Minute, 4: 2 * time.Minute, 2: 4 * time.Minute, 1: 5 * time.Minute} {
		_, err := s.TryAcquire(t.Context(), requests.In(driver.Slots(n), requests.Ask("k", time.Minute)))
		held, ok := errors.AsType[*driver.HeldError](err)
		if !ok || held.For > want || held.For < want-30*time.Second {
			t.Errorf("a permit of %d: %v, want about %v", n, err, want)
		}
	}
	requests.Take(t, s, requests.In(driver.Slots(6), requests.Ask("k", driver.Forever)))
	_, err := s.TryAcquire(t.Context(), requests.In(driver.Slots(1), requests.Ask("k", time.Minute)))
	if held, ok := errors.AsType[*driver.HeldError](err); !ok || held.For != driver.Forever {
		t.Errorf("beside one without end: %v", err)
	}
	info, err := s.(driver.Inspector).Inspect(t.Context(), "k")
	check(t, err)
	modes := ""
	for _, h := range info.Holders {
		modes += fmt.Sprint(h.Mode, " ")
	}
	if want := "slots(5) slots(5) slots(5) slots(5) slots(5) slots(6) "; modes != want {
		t.Errorf("held are %s, want %s", modes, want)
	}
}

func TestPermitsOfDifferentNumbersAtOnce(t *testing.T) {
	srv := start(t)
	requests.SizesAtOnce(t, 300, open(t, srv.url()), open(t, srv.url()))
}
