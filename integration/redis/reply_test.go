package redis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	driverredis "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// Row 16: the caller leaves at once, and what it may have been granted is given
// back, when the reply comes and also when it never does.
func TestAnAcquireWhoseReplyIsWithheldLeavesNothingHeld(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	direct := open(t, srv.url())
	for name, acquire := range map[string]func(driver.Store, context.Context, driver.Request) (driver.Grant, error){
		"TryAcquire": driver.Store.TryAcquire,
		"Acquire": func(s driver.Store, ctx context.Context, r driver.Request) (driver.Grant, error) {
			return s.(driver.Waiter).Acquire(ctx, r)
		},
	} {
		for how, end := range map[string]func(){
			"late":  w.Heal,
			"never": func() { w.Drop(); w.Heal() },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				behind := open(t, w.URL+"?read_timeout=1s")
				warm(t, behind)
				r := requests.Ask(t.Name(), time.Minute)
				w.Withhold()
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				began := time.Now()
				_, err := acquire(behind, ctx, r)
				if took := time.Since(began); took > time.Second {
					t.Errorf("it returned %v after it began, with 200 ms to go", took)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrHeld) {
					t.Errorf("it returned %v, want context.DeadlineExceeded alone", err)
				}
				if info, err := direct.(driver.Inspector).Inspect(t.Context(), r.Key); err != nil || len(info.Holders) != 1 {
					t.Fatalf("the request did not reach the server: %+v, %v", info, err)
				}
				end()
				began = time.Now()
				g, err := direct.(driver.Waiter).Acquire(t.Context(), requests.Ask(r.Key, time.Second))
				if err != nil {
					t.Fatal(err)
				}
				if took := g.Sent.Sub(began); took > 10*time.Second {
					t.Errorf("the key was held for %v more, of a lease of a minute", took)
				}
			})
		}
	}
}

func TestACallerThatCancelsReturnsAtOnce(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	s := open(t, w.URL+"?read_timeout=1s")
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	w.Cut(servers.Both)
	for name, call := range map[string]func(context.Context) error{
		"TryAcquire": func(ctx context.Context) error {
			_, err := s.TryAcquire(ctx, requests.Ask("other", time.Minute))
			return err
		},
		"Acquire": func(ctx context.Context) error {
			_, err := s.(driver.Waiter).Acquire(ctx, requests.Ask("other", time.Minute))
			return err
		},
		"Extend":  func(ctx context.Context) error { _, err := s.Extend(ctx, r); return err },
		"Keep":    func(ctx context.Context) error { return s.(driver.Keeper).Keep(ctx, r) },
		"Inspect": func(ctx context.Context) error { _, err := s.(driver.Inspector).Inspect(ctx, "k"); return err },
		"Break":   func(ctx context.Context) error { _, err := s.(driver.Inspector).Break(ctx, "k"); return err },
		"ExtendAll": func(ctx context.Context) error {
			_, errs := s.(driver.Batcher).ExtendAll(ctx, []driver.Request{r})
			return errs[0]
		},
		"List": func(ctx context.Context) error {
			for _, err := range s.(driver.Inspector).List(ctx, "") {
				return err
			}
			return nil
		},
		"Release": func(ctx context.Context) error { return s.Release(ctx, r) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		err := call(ctx)
		if took := time.Since(began); took > 600*time.Millisecond {
			t.Errorf("%s returned %v after it began, and was cancelled after 50 ms", name, took)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	w.Heal()
}

// Row 9: the connection breaks after the server granted the key. Nobody can know that
// the request will not arrive once more, so that it is not made again.
func TestAnAcquireWhoseReplyIsLostIsGivenBack(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	behind, direct := open(t, w.URL), open(t, srv.url())
	warm(t, behind)
	for i := range 10 {
		key := fmt.Sprint("k", i)
		r := requests.Ask(key, time.Minute)
		w.Withhold()
		got := make(chan error, 1)
		go func() { got <- second(behind.TryAcquire(t.Context(), r)) }()
		requests.Soon(t, "the server grants the key", func() bool { return len(holders(t, direct, key)) == 1 })
		w.Drop() // and with the connection the reply
		w.Heal()
		unavailable(t, "TryAcquire", <-got)
		requests.Soon(t, "the key is free", func() bool { return len(holders(t, direct, key)) == 0 })
		warm(t, behind) // a new connection would not be greeted next
	}
}

// Row 11.
func TestAReleaseWhoseReplyIsLostSucceeds(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	behind, direct := open(t, w.URL), open(t, srv.url())
	warm(t, behind)
	for i, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2)} {
		key := fmt.Sprint("k", i)
		r := requests.In(mode, requests.Ask(key, time.Minute))
		requests.Take(t, behind, r)
		w.Withhold()
		got := make(chan error, 1)
		go func() { got <- behind.Release(t.Context(), r) }()
		requests.Soon(t, "the server releases the key", func() bool {
			info, err := direct.(driver.Inspector).Inspect(t.Context(), key)
			return err == nil && len(info.Holders) == 0
		})
		w.Drop() // and with the connection the reply
		w.Heal()
		if err := <-got; err != nil {
			t.Errorf("Release of a lease in mode %v: %v", mode, err)
		}
		if err := behind.Release(t.Context(), r); !errors.Is(err, driver.ErrNotHeld) {
			t.Errorf("a second Release: %v, want ErrNotHeld", err)
		}
	}
}

// A client that is not ours repeats what it sends as it likes, but not this.
func TestAClientOfTheCallerDoesNotRepeatCallsByItself(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	client := redis.NewClient(&redis.Options{Addr: w.Addr, MaxRetries: 10})
	defer func() { _ = client.Close() }()
	s, err := driverredis.New(client)
	if err != nil {
		t.Fatal(err)
	}
	direct := open(t, srv.url())
	warm(t, direct)
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	w.Withhold()
	got := make(chan error, 1)
	go func() { got <- s.Release(t.Context(), r) }()
	requests.Soon(t, "the server releases the key", func() bool {
		info, err := direct.(driver.Inspector).Inspect(t.Context(), "k")
		return err == nil && len(info.Holders) == 0
	})
	w.Drop() // and with the connection the reply
	w.Heal()
	if err := <-got; err != nil {
		t.Errorf("Release: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("Close of the store closed the caller's client: %v", err)
	}
}

// Row 15.
func TestAReplyLaterThanTheLeaseSaysWhenTheRequestLeft(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	s := open(t, w.URL)
	warm(t, s)
	w.Latency(150 * time.Millisecond)
	g, err := s.TryAcquire(t.Context(), requests.Ask("k", 100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if since := time.Since(g.Sent); since < 250*time.Millisecond {
		t.Errorf("Sent is %v before a reply that took 300 ms: nobody could see that the lease is over", since)
	}
}

// Row 38, with a server that answers nothing.
func TestCloseIsBoundedWhereTheServerIsAway(t *testing.T) {
	requests.Clean(t)
	srv := start(t)
	w := srv.Link(t)
	s, err := openURL(t.Context(), w.URL)
	if err != nil {
		t.Fatal(err)
	}
	held := requests.Ask("k", time.Minute)
	requests.Take(t, s, held)
	w.Cut(servers.Both)
	waits := make(chan error, 1)
	go func() {
		_, err := s.(driver.Waiter).Acquire(context.Background(), requests.Ask("k", time.Minute))
		waits <- err
	}()
	<-time.After(50 * time.Millisecond)
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := <-waits; !errors.Is(err, driver.ErrClosed) {
		t.Errorf("the wait ended with %v, want ErrClosed", err)
	}
}

// A waiter that did not hear that it stands in the queue leaves it: its request may
// arrive once more.
func TestAWaiterWhoseReplyIsLostLeavesTheQueue(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	s, behind := open(t, srv.url()), open(t, w.URL+"?read_timeout=1s")
	warm(t, behind)
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	w.Withhold()
	waiting := requests.Wait(t, behind, requests.Ask("k", time.Minute))
	queued(t, s, "k", 1)
	w.Drop()
	w.Heal()
	<-waiting.Done
	unavailable(t, "Acquire", waiting.Err)
	queued(t, s, "k", 0)
	requests.GiveBack(t, s, r)
}
