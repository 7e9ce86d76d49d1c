package locktest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks"
)

// bubble records f in a bubble: what the end waits for takes no time.
func bubble(t *testing.T, f func(t testing.TB, s *Stores, st *store)) *recorder {
	t.Helper()
	var r *recorder
	synctest.Test(t, func(t *testing.T) {
		var ended time.Time
		var took time.Duration
		r = record(t, func(t testing.TB) {
			t.Cleanup(func() { took = time.Since(ended) })
			s := New(t)
			t.Cleanup(func() { ended = time.Now() })
			f(t, s, open(t, s, "default"))
		})
		r.endTook = took
	})
	return r
}

func TestEndNamesHolders(t *testing.T) {
	r := bubble(t, func(t testing.TB, s *Stores, st *store) {
		take(t, st, ask("held", "o1"))
		take(t, st, ask("given back", "o2"))
		giveBack(t, st, ask("given back", "o2"))
		shared := ask("read", "o3")
		shared.Mode, shared.Holder = driver.Shared, driver.Holder{}
		take(t, st, shared)
	})
	r.wantFailure(t,
		"still held or waited for at the end of the test:",
		`key "held" of alias "default": held by "worker o1", host web-1, pid 17 since 00:00:00.000, for`,
		`key "read" of alias "default": held (shared) by an unnamed holder`,
		"Release every lock")
	if strings.Contains(r.all(), "given back\"") {
		t.Errorf("what was given back is named:\n%s", r.all())
	}
}

func TestEndNamesHold(t *testing.T) {
	bubble(t, func(_ testing.TB, s *Stores, _ *store) { s.Hold("default", "k") }).
		wantFailure(t, `key "k" of alias "default": held by locktest.Hold at end_test.go:`)
}

// Waits are named after those they wait for. Nothing of them goes on when the test
// is over.
func TestEndNamesWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waiting, slow <-chan error
		record(t, func(t testing.TB) {
			s := New(t)
			st := open(t, s, "default")
			take(t, st, ask("k", "o1"))
			waiting = wait(context.Background(), st, ask("k", "o2"))
			time.Sleep(3 * time.Second)
			s.Slow("default", time.Hour)
			slow = wait(context.Background(), st, ask("slow", "o3"))
			synctest.Wait()
		}).wantFailure(t,
			"held by \"worker o1\", host web-1, pid 17 since 00:00:00.000, for 4s\n"+
				"\tkey \"k\" of alias \"default\": waited for by \"worker o2\"",
			`key "slow" of alias "default": waited for by "worker o3"`)
		wantErr(t, "the wait", <-waiting, driver.ErrClosed)
		wantErr(t, "the call of a slow store", <-slow, driver.ErrClosed)
	})
}

// So are waits that don't ask the store: in a line of this process, and between two
// tries of a store that is down.
func TestEndNamesWaitsInLine(t *testing.T) {
	for name, c := range map[string]struct {
		waiters int
		down    bool
		words   []string
	}{
		"in line":      {3, false, []string{"waited for by", `alias "default": 2 more calls wait, in line for a key of it`}},
		"in an outage": {1, true, []string{`alias "default": one more call waits, in line for a key of it or for the store`}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				waited := make(chan error, c.waiters)
				record(t, func(t testing.TB) {
					s := New(t)
					l := locks.Cache("default", "k", locks.WithRegistry(s.Registry()), locks.WithWait(locks.Forever))
					if c.down {
						s.Down("default")
					} else {
						s.Hold("default", "k")
					}
					for range c.waiters {
						go func() { waited <- l.Do(context.Background(), func(context.Context) error { return nil }) }()
					}
					time.Sleep(time.Minute + time.Millisecond)
				}).wantFailure(t, c.words...)
				for range c.waiters {
					wantErr(t, "the wait", <-waited, driver.ErrClosed)
				}
			})
		})
	}
}

// Who gives up a wait that the store does not know of is waited for, as the others.
func TestEndWaitsForThoseWhoGiveUp(t *testing.T) {
	r := bubble(t, func(t testing.TB, s *Stores, _ *store) {
		ctx, cancel := context.WithCancel(context.Background())
		s.Down("default")
		l := locks.Cache("default", "k", locks.WithRegistry(s.Registry()), locks.WithWait(locks.Forever))
		go func() { wantErr(t, "Acquire", l.Acquire(ctx), context.Canceled) }()
		time.Sleep(time.Minute)
		t.Cleanup(func() { time.AfterFunc(grace/2, cancel) })
	})
	r.wantPass(t)
	if r.endTook < grace/2 || r.endTook > grace/2+2*lookEvery {
		t.Errorf("the end took %v, want %v", r.endTook, grace/2)
	}
}

// A lease that ends while the end waits for others was held all the same; one
// that had ended before was not.
func TestEndAndExpiry(t *testing.T) {
	brief := ask("brief", "o1")
	brief.Lease = 100 * time.Millisecond
	bubble(t, func(t testing.TB, _ *Stores, st *store) { take(t, st, brief) }).wantFailure(t, "brief")
	bubble(t, func(t testing.TB, _ *Stores, st *store) {
		take(t, st, brief)
		time.Sleep(brief.Lease)
	}).wantPass(t)
}

// A key that was kept on purpose is nobody's mistake.
func TestEndAndKeptKeys(t *testing.T) {
	bubble(t, func(t testing.TB, _ *Stores, st *store) {
		take(t, st, ask("k", "o"))
		if err := st.Keep(context.Background(), ask("k", "o")); err != nil {
			t.Fatal(err)
		}
	}).wantPass(t)
}

// What was given back is not held, also when the store could not be told.
func TestEndWhileDown(t *testing.T) {
	bubble(t, func(t testing.TB, s *Stores, st *store) {
		take(t, st, ask("k", "o"))
		s.Down("default")
		wantErr(t, "Release", st.Release(context.Background(), ask("k", "o")), driver.ErrUnavailable)
	}).wantPass(t)
	bubble(t, func(t testing.TB, s *Stores, st *store) {
		take(t, st, ask("k", "o"))
		s.Down("default")
	}).wantFailure(t, `key "k"`)
}

// Goroutines that end with the test's context are waited for.
func TestEndWaitsForReleases(t *testing.T) {
	r := bubble(t, func(t testing.TB, _ *Stores, st *store) {
		ctx, cancel := context.WithCancel(context.Background())
		take(t, st, ask("k", "o1"))
		waiting := wait(ctx, st, ask("k", "o2"))
		go func() {
			wantErr(t, "the wait", <-waiting, context.Canceled)
			time.Sleep(grace / 2)
			giveBack(t, st, ask("k", "o1"))
		}()
		synctest.Wait()
		t.Cleanup(cancel) // as t.Context's is
	})
	r.wantPass(t)
	if r.endTook != grace/2 {
		t.Errorf("the end took %v, want %v", r.endTook, grace/2)
	}
}

func TestEndOfManyAliases(t *testing.T) {
	t.Parallel()
	record(t, func(t testing.TB) {
		s := New(t, "b", "a")
		s.Hold("b", "1")
		s.Hold("a", "2")
		s.Hold("a", "1")
	}).wantFailure(t, `key "1" of alias "a"`, `key "2" of alias "a"`, `key "1" of alias "b"`)
}

// A test that shuts the registry down, or closes a store, ends as any other.
func TestEndAfterShutdown(t *testing.T) {
	bubble(t, func(t testing.TB, s *Stores, st *store) {
		wantErr(t, "Shutdown", s.Registry().Shutdown(context.Background()), nil)
		wantErr(t, "Close", st.Close(), nil)
		wantErr(t, "Close again", st.Close(), nil)
	}).wantPass(t)
}

// busy is what package locks keeps of an alias, when something never ends.
type busy struct{}

func (busy) Drain(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (busy) Stats() concurrent.AliasStats { return concurrent.AliasStats{} }

// The end does not wait for ever for what is in use without holding a lock, and
// says nothing of what the test itself has cut short.
func TestEndIsBounded(t *testing.T) {
	attach := func(t testing.TB, s *Stores) {
		o, err := s.Registry().Open(context.Background(), "default")
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		o.Attach(func(*concurrent.Opened) concurrent.Drainer { return busy{} })
	}
	bubble(t, func(t testing.TB, s *Stores, _ *store) { attach(t, s) }).
		wantFailure(t, "still in use", `"default"`, "deadline exceeded")
	r := bubble(t, func(t testing.TB, s *Stores, _ *store) {
		attach(t, s)
		s.Hold("default", "k")
	})
	r.wantFailure(t, "locktest.Hold")
	if r.endTook > grace+time.Second {
		t.Errorf("the end took %v", r.endTook)
	}
	bubble(t, func(t testing.TB, s *Stores, _ *store) {
		attach(t, s)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		wantErr(t, "Shutdown", s.Registry().Shutdown(ctx), context.Canceled)
	}).wantPass(t)
}
