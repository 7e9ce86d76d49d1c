package locktest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// calls are all that a store can be asked for, about the key that r's owner has.
func calls(st *store, r driver.Request) map[string]func(ctx context.Context) error {
	other := ask("other", "o2")
	return map[string]func(ctx context.Context) error{
		"TryAcquire": func(ctx context.Context) error { _, err := st.TryAcquire(ctx, other); return err },
		"Acquire":    func(ctx context.Context) error { _, err := st.Acquire(ctx, other); return err },
		"Extend":     func(ctx context.Context) error { _, err := st.Extend(ctx, r); return err },
		"ExtendAll": func(ctx context.Context) error {
			_, errs := st.ExtendAll(ctx, []driver.Request{r})
			return errors.Join(errs...)
		},
		"Release": func(ctx context.Context) error { return st.Release(ctx, r) },
		"Keep":    func(ctx context.Context) error { return st.Keep(ctx, r) },
		"Inspect": func(ctx context.Context) error { _, err := st.Inspect(ctx, r.Key); return err },
		"List": func(ctx context.Context) error {
			for _, err := range st.List(ctx, "") {
				return err
			}
			return nil
		},
		"Break": func(ctx context.Context) error { _, err := st.Break(ctx, r.Key); return err },
		"Ping":  st.Ping,
	}
}

func TestDownRefusesEveryCall(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st, r := open(t, s, "default"), ask("k", "o1")
		take(t, st, r)
		up := s.Down("default")
		for name, call := range calls(st, r) {
			err := call(t.Context())
			wantErr(t, name, err, driver.ErrUnavailable)
			if !strings.Contains(err.Error(), `alias "default" is down`) {
				t.Errorf("%s: %v, which does not say why", name, err)
			}
		}
		up()
		up() // does nothing
		info, err := st.Inspect(t.Context(), "other")
		if err != nil || len(info.Holders) != 0 {
			t.Errorf("other has holders %v after calls that were refused, %v", info.Holders, err)
		}
		giveBack(t, st, r)
		wantErr(t, "Ping", st.Ping(t.Context()), nil)
	})
}

// Waits and calls of a slow store end at once, and nothing comes of them.
func TestDownEndsCallsUnderWay(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st := open(t, s, "default")
		release := s.Hold("default", "k")
		waiting := wait(t.Context(), st, ask("k", "waits"))
		synctest.Wait()
		s.Slow("default", time.Hour)
		slow := wait(t.Context(), st, ask("k", "slow"))
		synctest.Wait()

		up := s.Down("default")
		began := time.Now()
		wantErr(t, "a wait under way", <-waiting, driver.ErrUnavailable)
		wantErr(t, "a slow call under way", <-slow, driver.ErrUnavailable)
		if d := time.Since(began); d != 0 {
			t.Errorf("they ended %v after Down", d)
		}
		release()
		up()
		s.Slow("default", 0)
		info, err := st.Inspect(t.Context(), "k")
		if err != nil || len(info.Holders) != 0 || info.Waiters != 0 {
			t.Errorf("key is %+v after waits that ended, %v", info, err)
		}
	})
}

// A wait that was granted at the moment of the outage is told of the outage, and
// holds nothing.
func TestDownAfterGrant(t *testing.T) {
	for range 100 {
		in(t, func(t *testing.T, s *Stores) {
			st, r := open(t, s, "default"), ask("k", "o1")
			take(t, st, r)
			waiting := wait(t.Context(), st, ask("k", "o2"))
			synctest.Wait()
			st.mu.Lock() // no answer gets out
			st.ledger.grants = nil
			if err := st.memory.Release(t.Context(), r); err != nil {
				t.Error(err)
			}
			st.cut(driver.ErrUnavailable)
			st.mu.Unlock()
			wantErr(t, "the wait", <-waiting, driver.ErrUnavailable)
			if got := st.tokens(); len(got) != 0 {
				t.Fatal("the key is held")
			}
		})
	}
}

// Once Down has returned nothing is carried out, whenever it had begun.
func TestDownIsExact(t *testing.T) {
	t.Parallel()
	s := New(t)
	st := open(t, s, "default")
	var calls sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 8 {
		calls.Go(func() {
			for ctx.Err() == nil {
				r := ask("k", fmt.Sprint(i))
				r.Mode = driver.Shared
				if _, err := st.TryAcquire(ctx, r); err == nil {
					_ = st.Release(ctx, r) // it may be down by now
				}
			}
		})
	}
	for range 1000 {
		up := s.Down("default")
		before := st.tokens()
		for range 20 {
			runtime.Gosched()
		}
		if after := st.tokens(); !maps.Equal(before, after) {
			t.Errorf("held were %v, and are %v while it is down", before, after)
		}
		up()
	}
	cancel()
	calls.Wait()
}

func TestDownTwice(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st := open(t, s, "default")
		one, two := s.Down("default"), s.Down("default")
		one()
		one()
		wantErr(t, "with one of two up", st.Ping(t.Context()), driver.ErrUnavailable)
		two()
		wantErr(t, "with both up", st.Ping(t.Context()), nil)
	})
}

// The test's own part works on a store that is down or slow.
func TestHoldAndLoseWhileDown(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st := open(t, s, "default")
		s.Slow("default", time.Hour)
		s.Down("default")
		began := time.Now()
		release := s.Hold("default", "a")
		s.Hold("default", "b")
		s.Lose("default", "b")
		release()
		if got := st.tokens(); len(got) != 0 {
			t.Errorf("%d keys are held, want none", len(got))
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("it took %v", d)
		}
	})
}

func TestSlowDelaysEveryCall(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st, r := open(t, s, "default"), ask("k", "o1")
		for name, call := range calls(st, r) {
			s.Slow("default", 0)
			take(t, st, r)
			s.Slow("default", 3*time.Second)
			began := time.Now()
			if err := call(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if d := time.Since(began); d != 3*time.Second {
				t.Errorf("%s took %v, want 3s", name, d)
			}
			s.Slow("default", 0)
			for _, key := range []string{"k", "other"} {
				_, _ = st.Break(t.Context(), key) // one of them is free
			}
		}
	})
}

// A call that its caller did not wait for is not carried out.
func TestSlowCallEndsWithContext(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st, r := open(t, s, "default"), ask("k", "o1")
		take(t, st, r)
		s.Slow("default", time.Minute)
		for name, call := range calls(st, r) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			wantErr(t, name, call(ctx), context.DeadlineExceeded)
			if d := time.Since(began); d != time.Second {
				t.Errorf("%s took %v, want 1s", name, d)
			}
			cancel()
		}
		if got := st.tokens(); len(got) != 0 { // ten seconds later
			t.Errorf("%d keys are held, want none", len(got))
		}
	})
}

// The lease counts from before the request left, here for its holder and on the
// store from when it arrived.
func TestSlowGrantIsSentBefore(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st, r := open(t, s, "default"), ask("k", "o1")
		s.Slow("default", 4*time.Second)
		began := time.Now()
		g := take(t, st, r)
		if !g.Sent.Equal(began) {
			t.Errorf("TryAcquire: sent %v after it left", g.Sent.Sub(began))
		}
		began = time.Now()
		sent, err := st.Extend(t.Context(), r)
		if err != nil || !sent.Equal(began) {
			t.Errorf("Extend: sent %v after it left, %v", sent.Sub(began), err)
		}
		sent, errs := st.ExtendAll(t.Context(), []driver.Request{r})
		if errs != nil || !sent.Equal(began.Add(4*time.Second)) {
			t.Errorf("ExtendAll: sent %v after it left, %v", sent.Sub(began)-4*time.Second, errs)
		}
		release := time.AfterFunc(6*time.Second, func() { _ = st.memory.Release(context.Background(), r) })
		defer release.Stop()
		began = time.Now()
		g, err = st.Acquire(t.Context(), ask("k", "o2"))
		if err != nil || !g.Sent.Equal(began.Add(2*time.Second)) {
			t.Errorf("Acquire after a wait of 6s: sent %v after it was called, %v, want 2s", g.Sent.Sub(began), err)
		}
		giveBack(t, st, ask("k", "o2"))
	})
}

func TestSlowThenAsBefore(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st := open(t, s, "default")
		s.Slow("default", time.Second)
		s.Slow("default", 0)
		began := time.Now()
		wantErr(t, "Ping", st.Ping(t.Context()), nil)
		if d := time.Since(began); d != 0 {
			t.Errorf("Ping took %v", d)
		}
	})
}

func TestFaultsOfOneAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t, "good", "bad")
		s.Slow("bad", time.Hour)
		s.Down("bad")
		began := time.Now()
		wantErr(t, "Ping of the other", open(t, s, "good").Ping(t.Context()), nil)
		if d := time.Since(began); d != 0 {
			t.Errorf("it took %v", d)
		}
	})
}

func TestNegativeSlow(t *testing.T) {
	t.Parallel()
	record(t, func(t testing.TB) { New(t).Slow("default", -1) }).wantFailure(t, "Slow", "-1ns")
}
