package redis

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// asks are requests for many keys of a prefix.
func asks(prefix string, n int) []driver.Request {
	rs := make([]driver.Request, n)
	for i := range rs {
		rs[i] = requests.Ask(fmt.Sprintf("%s%03d", prefix, i), time.Minute)
	}
	return rs
}

// extendAll returns the errors of those that were not extended, by their key.
func extendAll(t *testing.T, s driver.Store, rs []driver.Request) map[string]error {
	t.Helper()
	failed := map[string]error{}
	_, errs := s.(driver.Batcher).ExtendAll(t.Context(), rs)
	for i, err := range errs {
		if err != nil {
			failed[rs[i].Key] = err
		}
	}
	return failed
}

func TestCallsOfManyShareARunOfAScript(t *testing.T) {
	srv := start(t)
	s, admin := open(t, srv.url()), srv.admin()
	rs := asks("k", 200)
	tokens := map[uint64]bool{}
	var mu sync.Mutex
	before := ran(t, admin)
	together(rs, func(r driver.Request) {
		g, err := s.TryAcquire(t.Context(), r)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		tokens[g.Token] = true
	})
	if n := ran(t, admin) - before; n > len(rs)/2 {
		t.Errorf("%d goroutines took %d runs of a script", len(rs), n)
	}
	if tokens[0] {
		t.Error("a grant has no token")
	}
	before = ran(t, admin)
	if failed := extendAll(t, s, rs); len(failed) > 0 {
		t.Errorf("ExtendAll: %v", failed)
	}
	if n := ran(t, admin) - before; n > 3 {
		t.Errorf("ExtendAll of %d took %d runs of a script", len(rs), n)
	}
	for _, r := range rs {
		if info, err := s.(driver.Inspector).Inspect(t.Context(), r.Key); err != nil || len(info.Holders) != 1 {
			t.Fatalf("%s: %+v, %v, want one holder", r.Key, info, err)
		}
	}
	together(rs, func(r driver.Request) { requests.GiveBack(t, s, r) })
	for _, r := range rs {
		if err := s.Release(t.Context(), r); !errors.Is(err, driver.ErrNotHeld) {
			t.Fatalf("a second Release: %v, want ErrNotHeld", err)
		}
	}
}

// together does something with all of them at once.
func together(rs []driver.Request, do func(driver.Request)) {
	var all sync.WaitGroup
	for _, r := range rs {
		all.Go(func() { do(r) })
	}
	all.Wait()
}

func TestACallThatFailsFailsAloneAlthoughOthersShareItsRun(t *testing.T) {
	srv := start(t)
	s, admin := open(t, srv.url()), srv.admin()
	rs := asks("k", 100)
	together(rs, func(r driver.Request) { requests.Take(t, s, r) })
	foreign := named(t, admin, rs[50].Key)
	check(t, admin.Set(t.Context(), foreign, "theirs", 0).Err())
	requests.GiveBack(t, s, rs[70])

	failed := extendAll(t, s, rs)
	if err := failed[rs[50].Key]; !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("the foreign key: %v, want ErrUnavailable that says so", err)
	}
	if err := failed[rs[70].Key]; !errors.Is(err, driver.ErrNotHeld) {
		t.Errorf("the key that nobody holds: %v, want ErrNotHeld", err)
	}
	if len(failed) != 2 {
		t.Errorf("%d of %d failed, want 2: %v", len(failed), len(rs), failed)
	}
	together(rs, func(r driver.Request) {
		err := s.Release(t.Context(), r)
		if want := r.Key == rs[50].Key || r.Key == rs[70].Key; (err != nil) != want {
			t.Errorf("Release of %s: %v", r.Key, err)
		}
	})
	if v := admin.Get(t.Context(), foreign).Val(); v != "theirs" {
		t.Errorf("the foreign key has become %q", v)
	}
}

func TestAKeyThatTheUserMayNotUseLeavesTheOthersAlone(t *testing.T) {
	srv := start(t)
	s := open(t, aclUser(t, srv, aclCommands+" "+aclKeys))
	rs := append(asks("billing:", 50), requests.Ask("other", time.Minute))
	together(rs, func(r driver.Request) {
		_, err := s.TryAcquire(t.Context(), r)
		if r.Key != "other" && err != nil || r.Key == "other" && !errors.Is(err, driver.ErrUnavailable) {
			t.Errorf("TryAcquire of %s: %v", r.Key, err)
		}
	})
	if failed := extendAll(t, s, rs); len(failed) != 1 || !strings.Contains(fmt.Sprint(failed["other"]), "ACL") {
		t.Errorf("ExtendAll: %v, want one error, of the key of another prefix, that names the ACL", failed)
	}
}
