package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestHeldFor(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	e := &entry{key: "k"}
	for i := range 3 { // permits that end after 1, 2 and 3 seconds
		e.holdings = append(e.holdings, holding{
			mode: driver.Slots(3), until: int64(i+1) * second, since: int64(i), who: driver.Holder{PID: i + 1},
		})
	}
	for _, test := range []struct {
		mode driver.Mode
		want time.Duration
		pid  int
	}{
		{driver.Slots(3), time.Second, 1},
		{driver.Slots(2), 2 * time.Second, 2},
		{driver.Slots(1), 3 * time.Second, 3},
		{driver.Slots(4), 3 * time.Second, 3}, // there is room: others come first
		{driver.Shared, 3 * time.Second, 3},
		{driver.Exclusive, 3 * time.Second, 3},
	} {
		got := e.held(test.mode, 0)
		if got.For != test.want || got.Holder.PID != test.pid || got.Since.UnixNano() != int64(test.pid-1) {
			t.Errorf("%v: held for %v by %+v since %v, want %v by %d", test.mode, got.For, got.Holder, got.Since, test.want, test.pid)
		}
	}
	e.holdings[1].until = forever
	if got := e.held(driver.Slots(2), 0); got.For != 3*time.Second {
		t.Errorf("held for %v, want till the second of three ends", got.For)
	}
	if got := e.held(driver.Slots(1), 0); got.For != driver.Forever {
		t.Errorf("held for %v, want for ever", got.For)
	}
	e = &entry{key: "k", line: []waiting{{called: 5 * second}}}
	if got := e.held(driver.Exclusive, second); got.For != 4*time.Second || got.Holder != (driver.Holder{}) || !got.Since.IsZero() {
		t.Errorf("reserved for one that was called: %+v", got)
	}
}

// Who is refused, and who gave up waiting, hears who holds the key, in another
// store too.
func TestRefusalNamesTheHolder(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	a, b := openTest(t, dir), openTest(t, dir)
	r, other := request("k", time.Hour), request("k", time.Hour)
	r.Holder.Label, other.Holder.Label = "it is me", "not me"
	before := time.Now()
	acquire(t, a, r)
	_, refused := b.TryAcquire(t.Context(), other)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := b.Acquire(ctx, other)
		got <- err
	}()
	waitFor(t, a, "k", 1)
	cancel()
	for what, err := range map[string]error{"TryAcquire": refused, "a wait that was given up": <-got} {
		held, ok := errors.AsType[*driver.HeldError](err)
		if !ok || held.Holder != r.Holder || held.Since.Before(before.Add(-time.Second)) || held.Since.After(time.Now()) {
			t.Errorf("%s: %v, %+v", what, err, held)
		}
	}
}

func TestPingTellsWhetherTheStateCanBeWritten(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.Rename(s.place.dir, s.place.dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("its directory is gone: %v, want ErrUnavailable", err)
	}
	if err := os.Rename(s.place.dir+"-away", s.place.dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, err := range s.List(t.Context(), "") {
		t.Errorf("something is held after a Ping, or can't be listed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("Ping of a closed store: %v", err)
	}
}

// A store is printed while others use it: the race detector would tell.
func TestPrintingRacesNothing(t *testing.T) {
	t.Parallel()
	s := openTest(t, dirFor(t))
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 20 {
			acquire(t, s, request(owner(), time.Hour))
		}
	})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "file.Store" {
			t.Errorf("%s prints %q", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ Store driver.Store }{s}); !strings.Contains(got, "file.Store") {
			t.Errorf("%s of what has a store prints %q", verb, got)
		}
	}
	wg.Wait()
}
