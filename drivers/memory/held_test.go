package memory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// called is r by somebody who says what he is called.
func called(label string, r driver.Request) driver.Request {
	r.Holder = driver.Holder{Host: "h", PID: 7, Label: label}
	return r
}

// wantHolder says that err is a refusal that names one holder.
func wantHolder(t *testing.T, what string, err error, label string, since time.Time) {
	t.Helper()
	held, ok := errors.AsType[*driver.HeldError](err)
	switch {
	case !ok:
		t.Errorf("%s: %v, want a *HeldError", what, err)
	case held.Holder != driver.Holder{Host: "h", PID: 7, Label: label} || !held.Since.Equal(since):
		t.Errorf("%s: held by %+v since %v, want %s since %v", what, held.Holder, held.Since, label, since)
	}
}

// Who is refused, and who gave up waiting, hears who holds the key: of several
// the one that is waited for longest.
func TestRefusalNamesTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, since := New(), time.Now()
		take(t, s, called("first", lasting(ask("k", "a", driver.Shared), time.Hour)))
		time.Sleep(time.Second)
		take(t, s, called("second", ask("k", "b", driver.Shared)))
		_, err := s.TryAcquire(t.Context(), called("other", ask("k", "c", driver.Exclusive)))
		wantHolder(t, "TryAcquire", err, "first", since)

		w := wait(t, s, called("other", ask("k", "c", driver.Exclusive)))
		synctest.Wait()
		w.cancel()
		<-w.done
		wantErr(t, "a wait that was given up", w.err, context.Canceled)
		wantHolder(t, "a wait that was given up", w.err, "first", since)

		if err := s.Keep(t.Context(), ask("k", "a", driver.Shared)); err != nil {
			t.Fatal(err)
		}
		_, err = s.TryAcquire(t.Context(), ask("k", "c", driver.Exclusive))
		wantHolder(t, "TryAcquire of a kept key", err, "first", since)
	})
}

// A store is printed while others use it: the race detector would tell.
func TestPrintingRacesNothing(t *testing.T) {
	t.Parallel()
	s := New()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 100 {
			pair(t, s, request("k", i))
		}
	})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "memory.Store" {
			t.Errorf("%s prints %q", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ Store driver.Store }{s}); !strings.Contains(got, "memory.Store") {
			t.Errorf("%s of what has a store prints %q", verb, got)
		}
	}
	wg.Wait()
}

func TestPing(t *testing.T) {
	t.Parallel()
	s := New()
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Ping of a closed store", s.Ping(t.Context()), driver.ErrClosed)
}
