package concurrent_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// lender is a store that grants what it is asked for, and knows what it lent.
type lender struct {
	faultyStore
	try     func(ctx context.Context) error
	release func(ctx context.Context) error

	mu       sync.Mutex
	requests []driver.Request
	released []string
}

func (s *lender) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	if s.try != nil {
		return driver.Grant{}, s.try(ctx)
	}
	return driver.Grant{}, nil
}

func (s *lender) Release(ctx context.Context, r driver.Request) error {
	s.mu.Lock()
	s.released = append(s.released, r.Owner)
	s.mu.Unlock()
	if s.release != nil {
		return s.release(ctx)
	}
	return ctx.Err()
}

func (s *lender) left() (requests []driver.Request, released []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.released
}

type pinger struct {
	lender
	ping func(ctx context.Context) error
}

func (s *pinger) Ping(ctx context.Context) error { return s.ping(ctx) }

func pingable(t *testing.T, store driver.Store) *concurrent.Registry {
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"default": {Store: store, Prefix: "p:"}})
	return r
}

func TestPingBorrowsAKey(t *testing.T) {
	s := new(lender)
	s.features = func() driver.Features { return driver.Features{MinLease: 3 * time.Second} }
	r := pingable(t, s)
	for range 2 {
		if err := r.Ping(t.Context(), "default"); err != nil {
			t.Fatal(err)
		}
	}
	requests, released := s.left()
	if len(requests) != 2 || len(released) != 2 || requests[0].Key == requests[1].Key {
		t.Fatalf("asked for %v, released %v", requests, released)
	}
	for i, q := range requests {
		if !strings.HasPrefix(q.Key, "p:") || q.Mode != driver.Exclusive || q.Lease != 3*time.Second || q.Owner != released[i] {
			t.Errorf("asked for %+v, released %v", q, released)
		}
		if err := q.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestPingAsksAPinger(t *testing.T) {
	answer := error(nil)
	s := &pinger{ping: func(context.Context) error { return answer }}
	r := pingable(t, s)
	for _, answer = range []error{nil, driver.ErrUnavailable} {
		if err := r.Ping(t.Context(), "default"); !errors.Is(err, answer) {
			t.Errorf("Ping = %v, want %v", err, answer)
		}
	}
	if requests, _ := s.left(); len(requests) != 0 {
		t.Errorf("a Pinger was asked for %v", requests)
	}
	answer = driver.ErrUnsupported
	if err := r.Ping(t.Context(), "default"); err != nil {
		t.Errorf("Ping of a store that can't = %v", err)
	}
	if requests, _ := s.left(); len(requests) != 1 {
		t.Error("no key was borrowed of a store that can't ping")
	}
}

func TestPingFails(t *testing.T) {
	b := newBackend(t)
	b.open = func(context.Context) (driver.Store, error) { return nil, driver.ErrUnfit }
	r := configured(t, b)
	if err := r.Ping(t.Context(), "default"); !errors.Is(err, driver.ErrUnfit) {
		t.Errorf("Ping of a store that is unfit = %v", err)
	}
	if err := r.Ping(t.Context(), "another"); !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Errorf("Ping of an unknown alias = %v", err)
	}
	s := &lender{try: func(context.Context) error { panic("boom") }}
	says(t, pingable(t, s).Ping(t.Context(), "default"), `ping alias "default"`, "lender panicked: boom")
	if err := errors.Join(r.Shutdown(t.Context()), r.Ping(t.Context(), "default")); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("Ping after Shutdown = %v", err)
	}
}

// An answer that never came may be a grant, which is given back.
func TestPingGivesBackWhatIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lender{try: func(context.Context) error { return driver.ErrUnavailable }}
		s.release = func(context.Context) error { time.Sleep(time.Second); return nil }
		r := pingable(t, s)
		began := time.Now()
		if err := r.Ping(t.Context(), "default"); !errors.Is(err, driver.ErrUnavailable) || time.Since(began) != 0 {
			t.Errorf("Ping = %v after %v", err, time.Since(began))
		}
		synctest.Wait()
		if _, released := s.left(); len(released) != 1 {
			t.Error("what may be held was not given back")
		}
		s.try = func(context.Context) error { return driver.ErrHeld }
		if err := r.Ping(t.Context(), "default"); !errors.Is(err, driver.ErrHeld) {
			t.Errorf("Ping = %v", err)
		}
		synctest.Wait()
		if _, released := s.left(); len(released) != 1 {
			t.Error("what was refused was given back")
		}
		time.Sleep(2 * time.Second) // the give-back ends
	})
}

func TestPingIsBounded(t *testing.T) {
	for name, heeds := range map[string]bool{"by its context": true, "also where a driver ignores it": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				s := &lender{try: func(ctx context.Context) error {
					if heeds {
						<-ctx.Done()
						return ctx.Err()
					}
					<-gate
					return nil
				}}
				r := pingable(t, s)
				began := time.Now()
				err := r.Ping(t.Context(), "default")
				if !errors.Is(err, driver.ErrUnavailable) || time.Since(began) != 5*time.Second {
					t.Errorf("Ping = %v after %v", err, time.Since(began))
				}
				says(t, err, `ping alias "default"`, "no answer for 5s")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began = time.Now()
				err = r.Ping(ctx, "default")
				if time.Since(began) != time.Second {
					t.Errorf("Ping with a deadline took %v", time.Since(began))
				}
				isUnanswered(t, "Ping with a deadline", err)
				// Those that hang don't pile up.
				for range 20 {
					if err := r.Ping(ctx, "default"); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("Ping = %v", err)
					}
				}
				close(gate)
				synctest.Wait()
				if requests, released := s.left(); len(released) != len(requests) || len(requests) != 2 {
					t.Errorf("%d asked for, %d given back", len(requests), len(released))
				}
			})
		})
	}
}

func TestPingOfADriverThatHangsInOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, gate := gated(t, false)
		r := configured(t, b)
		began := time.Now()
		err := r.Ping(t.Context(), "default")
		if !errors.Is(err, driver.ErrUnavailable) || time.Since(began) != 5*time.Second {
			t.Errorf("Ping = %v after %v", err, time.Since(began))
		}
		says(t, err, "no answer for 5s")
		close(gate)
		synctest.Wait()
	})
}
