package locktest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestNewAliases(t *testing.T) {
	t.Parallel()
	s := New(t, "one", "two")
	r := ask("k", "o")
	take(t, open(t, s, "one"), r)
	take(t, open(t, s, "two"), r) // they share nothing
	giveBack(t, open(t, s, "one"), r)
	giveBack(t, open(t, s, "two"), r)
	_, err := s.Registry().Store(t.Context(), "default")
	wantErr(t, "an alias that was not asked for", err, concurrent.ErrUnknownAlias)
	if got := fmt.Sprintf("%v %+v %#v", open(t, s, "one"), open(t, s, "one"), open(t, s, "one")); got !=
		`locktest store of alias "one" locktest store of alias "one" locktest store of alias "one"` {
		t.Errorf("a store is printed as %s", got)
	}
}

func TestNewWithWrongAliases(t *testing.T) {
	t.Parallel()
	record(t, func(t testing.TB) { New(t, "a", "a") }).wantFailure(t, `"a"`, "twice")
	record(t, func(t testing.TB) { New(t, "a b") }).wantFailure(t, "letters")
	record(t, func(t testing.TB) { Default(t, "a b") }).wantFailure(t, "letters")
}

func TestHoldExcludes(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st := open(t, s, "default")
		release := s.Hold("default", "k")
		for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2)} {
			r := ask("k", "o")
			r.Mode = mode
			_, err := st.TryAcquire(t.Context(), r)
			wantErr(t, mode.String(), err, driver.ErrHeld)
		}
		time.Sleep(1000 * time.Hour) // without end
		waiting := wait(t.Context(), st, ask("k", "o"))
		synctest.Wait()
		release()
		if err := <-waiting; err != nil {
			t.Errorf("the wait for it: %v", err)
		}
		release() // not another's
		giveBack(t, st, ask("k", "o"))
	})
}

func TestHoldOfHeldKey(t *testing.T) {
	t.Parallel()
	record(t, func(t testing.TB) {
		s := New(t)
		st := open(t, s, "default")
		take(t, st, ask("k", "o"))
		defer giveBack(t, st, ask("k", "o"))
		s.Hold("default", "k")
	}).wantFailure(t, `Hold("default", "k")`, "held already", `"worker o", host web-1, pid 17`, "since")

	record(t, func(t testing.TB) {
		s := New(t)
		defer s.Hold("default", "k")()
		s.Hold("default", "k")
	}).wantFailure(t, "held already", "locktest.Hold at locktest_test.go:")

	record(t, func(t testing.TB) { New(t).Hold("default", "") }).wantFailure(t, "key must not be empty")
}

func TestHoldOfKeptKey(t *testing.T) {
	t.Parallel()
	record(t, func(t testing.TB) {
		s := New(t)
		st := open(t, s, "default")
		take(t, st, ask("k", "o"))
		if err := st.Keep(context.Background(), ask("k", "o")); err != nil {
			t.Fatal(err)
		}
		s.Hold("default", "k")
	}).wantFailure(t, "held already", "worker o")
}

func TestLoseTellsHolders(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		st, r := open(t, s, "default"), ask("k", "o")
		var lost []driver.Loss
		defer st.NotifyLost(func(l driver.Loss) { lost = append(lost, l) })()
		take(t, st, r)
		waiting := wait(t.Context(), st, ask("k", "next"))
		synctest.Wait()
		s.Lose("default", "k")
		if len(lost) != 1 || lost[0].Key != "k" || lost[0].Owner != "o" || lost[0].Err == nil {
			t.Errorf("told of %+v, want the loss of k", lost)
		}
		wantErr(t, "Release of what was lost", st.Release(t.Context(), r), driver.ErrNotHeld)
		if err := <-waiting; err != nil {
			t.Errorf("the wait for it: %v", err)
		}
		giveBack(t, st, ask("k", "next"))
	})
}

// Who held a key for the test can lose it too, and is no holder at its end.
func TestLoseOfHold(t *testing.T) {
	in(t, func(t *testing.T, s *Stores) {
		release := s.Hold("default", "k")
		s.Lose("default", "k")
		take(t, open(t, s, "default"), ask("k", "o"))
		release()
		giveBack(t, open(t, s, "default"), ask("k", "o"))
	})
}

func TestLoseOfFreeKey(t *testing.T) {
	t.Parallel()
	record(t, func(t testing.TB) {
		s := New(t)
		defer s.Hold("default", "report")()
		defer s.Hold("default", "import")()
		s.Lose("default", "reprot")
	}).wantFailure(t, `Lose("default", "reprot")`, "nobody holds", `"import", "report"`)

	record(t, func(t testing.TB) { New(t).Lose("default", "k") }).wantFailure(t, "nobody holds the key, nor any other")

	record(t, func(t testing.TB) {
		s := New(t)
		for i := range namedMost + 2 {
			defer s.Hold("default", fmt.Sprintf("k%02d", i))()
		}
		s.Lose("default", "k")
	}).wantFailure(t, `"k09" and 2 more`)
}

func TestUnknownAlias(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(s *Stores){
		"Hold": func(s *Stores) { s.Hold("cahe", "k") },
		"Lose": func(s *Stores) { s.Lose("cahe", "k") },
		"Down": func(s *Stores) { s.Down("cahe") },
		"Slow": func(s *Stores) { s.Slow("cahe", 0) },
	} {
		record(t, func(t testing.TB) { use(New(t, "reports", "cache")) }).
			wantFailure(t, name, `no alias "cahe"`, "there are cache, reports")
	}
}

// Whoever calls late, goroutines that outlive the test too, does no harm.
func TestCallsAfterTheEnd(t *testing.T) {
	t.Parallel()
	var s *Stores
	var st *store
	var up, release func()
	record(t, func(t testing.TB) {
		s = New(t)
		st = open(t, s, "default")
		up = s.Down("default")
		release = s.Hold("default", "lost")
		s.Lose("default", "lost")
	}).wantPass(t)
	up()
	release()
	s.Hold("default", "k")()
	s.Lose("default", "k")
	s.Down("nowhere")()
	s.Slow("nowhere", -1)
	for name, call := range calls(st, ask("k", "o")) {
		if err := call(t.Context()); !errors.Is(err, driver.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	_, err := s.Registry().Store(t.Context(), "default")
	wantErr(t, "Store", err, driver.ErrClosed)
}
