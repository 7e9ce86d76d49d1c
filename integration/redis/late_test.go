package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// A request that got lost on its way may arrive after later ones: the kernel goes on
// sending it when its connection was given up. So what is not known to have failed is
// not sent again by the driver, and one copy at most arrives.

// overtaken opens a store whose first connections lose what they send, until arrive.
func overtaken(t *testing.T, srv *server) (s driver.Store, l *servers.Link) {
	t.Helper()
	l = srv.Link(t)
	s = open(t, l.URL+"?read_timeout=1s")
	warm(t, s)
	return s, l
}

func holders(t *testing.T, s driver.Store, key string) []driver.Held {
	t.Helper()
	info, err := s.(driver.Inspector).Inspect(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return info.Holders
}

// unavailable checks that an error leaves open what became of a request.
func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, driver.ErrUnavailable) || errors.Is(err, driver.ErrHeld) || errors.Is(err, driver.ErrNotHeld) {
		t.Errorf("%s: %v, want ErrUnavailable alone", what, err)
	}
}

func TestAnAcquireWithoutAnAnswerIsSentOnce(t *testing.T) {
	srv := start(t)
	direct, admin := open(t, srv.url()), srv.admin()
	for name, acquire := range map[string]func(driver.Store, context.Context, driver.Request) (driver.Grant, error){
		"TryAcquire": driver.Store.TryAcquire,
		"Acquire": func(s driver.Store, ctx context.Context, r driver.Request) (driver.Grant, error) {
			return s.(driver.Waiter).Acquire(ctx, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := overtaken(t, srv)
			requests.Soon(t, "the key of the first calls is gone", func() bool { return len(keys(t, admin)) == 0 })
			arrive := l.Overtaken()
			r := requests.Ask(t.Name(), time.Minute)
			_, err := acquire(s, t.Context(), r)
			unavailable(t, name, err)
			if n := len(holders(t, direct, r.Key)); n != 0 {
				t.Errorf("it was sent again, on another connection: %d hold the key", n)
			}
			if err := s.Release(t.Context(), r); !errors.Is(err, driver.ErrNotHeld) {
				t.Errorf("Release before it arrived: %v, want ErrNotHeld", err)
			}
			arrive()
			// A key that somebody had is there for a second after its release.
			requests.Soon(t, "it arrives", func() bool { return len(keys(t, admin)) == 1 })
			if err := s.Release(t.Context(), r); err != nil && !errors.Is(err, driver.ErrNotHeld) { // the driver was faster
				t.Errorf("Release: %v", err)
			}
			<-time.After(50 * time.Millisecond)
			next := requests.Ask(r.Key, 10*time.Millisecond)
			requests.Take(t, direct, next)
			requests.Soon(t, "the key is gone", func() bool { return len(keys(t, admin)) == 0 })
		})
	}
}

func TestAnExtendWithoutAnAnswerIsSentOnce(t *testing.T) {
	srv := start(t)
	direct := open(t, srv.url())
	for name, extend := range map[string]func(context.Context, driver.Store, driver.Request) error{
		"Extend": func(ctx context.Context, s driver.Store, r driver.Request) error {
			return second(s.Extend(ctx, r))
		},
		"ExtendAll": func(ctx context.Context, s driver.Store, r driver.Request) error {
			if _, errs := s.(driver.Batcher).ExtendAll(ctx, []driver.Request{r}); errs != nil {
				return errs[0]
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := overtaken(t, srv)
			r := requests.Ask(t.Name(), time.Minute)
			requests.Take(t, s, r)
			ends := holders(t, direct, r.Key)[0].Until
			arrive := l.Overtaken()
			defer arrive()
			longer := r
			longer.Lease = time.Hour
			unavailable(t, name, extend(t.Context(), s, longer))
			if late := holders(t, direct, r.Key)[0].Until.Sub(ends); late > time.Minute {
				t.Errorf("it was sent again: the lease ends %v later", late)
			}
			requests.GiveBack(t, s, r) // which may be sent again, and is
		})
	}
}

// A second copy would break the next holder's lease.
func TestABreakWithoutAnAnswerIsSentOnce(t *testing.T) {
	srv := start(t)
	direct := open(t, srv.url())
	s, l := overtaken(t, srv)
	r := requests.Ask("k", time.Minute)
	requests.Take(t, direct, r)
	if _, err := s.(driver.Inspector).Break(t.Context(), "other"); !errors.Is(err, driver.ErrNotHeld) {
		t.Fatal(err) // the server knows the script now
	}
	arrive := l.Overtaken()
	_, err := s.(driver.Inspector).Break(t.Context(), "k")
	unavailable(t, "Break", err)
	if len(holders(t, direct, "k")) != 1 {
		t.Error("it was sent again")
	}
	arrive()
	requests.Soon(t, "it arrives", func() bool { return len(holders(t, direct, "k")) == 0 })
}

// Who asks alone waits for the answer also where it is late.
func TestALateAnswerIsWaitedFor(t *testing.T) {
	srv := start(t)
	l := srv.Link(t)
	s := open(t, l.URL)
	warm(t, s)
	admin := srv.admin()
	before := ran(t, admin)
	l.Latency(300 * time.Millisecond)
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	if n := ran(t, admin) - before; n != 1 {
		t.Errorf("an acquire that was answered after 600 ms was made %d times", n)
	}
	l.Heal()
	requests.GiveBack(t, s, r)
}

// The end of the caller's context is heard whatever is waited for.
func TestACallerLeavesAServerThatIsFrozen(t *testing.T) {
	srv := start(t)
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 400*time.Millisecond)
		},
		"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(400*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, srv.url())
			warm(t, s)
			srv.pause()
			defer srv.resume()
			ctx, cancel := end(t.Context())
			defer cancel()
			began := time.Now()
			_, err := s.TryAcquire(ctx, requests.Ask("k", time.Second))
			if took := time.Since(began); took > 700*time.Millisecond {
				t.Errorf("it returned after %v, 400 ms were to go", took)
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrHeld) {
				t.Errorf("it returned %v, want the context's error alone", err)
			}
		})
	}
}

// The owner of a request that arrives when nobody waits for it any more gives the key
// back, long before the lease ends.
func TestAnAcquireThatArrivesLateIsGivenBackByLocks(t *testing.T) {
	srv := start(t)
	direct := open(t, srv.url())
	for name, lease := range map[string]time.Duration{"an hour": time.Hour, "for ever": locks.Forever} {
		t.Run(name, func(t *testing.T) {
			l := srv.Link(t)
			r := registry(t, l.URL+"?read_timeout=600ms")
			warmed := locks.Cache("default", "warm", locks.WithRegistry(r))
			check(t, warmed.Acquire(t.Context()))
			check(t, warmed.Release(t.Context()))
			lock := locks.Cache("default", t.Name(), locks.WithRegistry(r), locks.WithExpire(lease))
			arrive := l.Overtaken()
			if err := lock.Acquire(t.Context()); !errors.Is(err, locks.ErrUnavailable) {
				t.Fatalf("Acquire: %v, want ErrUnavailable", err)
			}
			arrive()
			<-time.After(100 * time.Millisecond) // it has the key by now, or had
			began := time.Now()
			next, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if _, err := direct.(driver.Waiter).Acquire(next, requests.Ask(t.Name(), time.Minute)); err != nil {
				t.Errorf("the key was held for nobody: %v", err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the key was held for nobody for %v", took)
			}
		})
	}
}
