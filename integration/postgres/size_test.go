package postgres

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

// takeAll takes n keys at once.
func takeAll(t *testing.T, s driver.Store, prefix string, n int, lease time.Duration) []driver.Request {
	t.Helper()
	all := make([]driver.Request, n)
	var group sync.WaitGroup
	for i := range all {
		all[i] = requests.Ask(fmt.Sprint(prefix, i), lease)
		group.Go(func() {
			if _, err := s.TryAcquire(t.Context(), all[i]); err != nil {
				t.Errorf("TryAcquire(%s): %v", all[i].Key, err)
			}
		})
	}
	group.Wait()
	return all
}

// stillHeld checks that requests are held, and gives them back.
func stillHeld(t *testing.T, s driver.Store, all []driver.Request) {
	t.Helper()
	if _, errs := s.(driver.Batcher).ExtendAll(t.Context(), all); errs != nil {
		t.Errorf("ExtendAll: %v", errors.Join(errs...))
	}
	for _, r := range all {
		requests.GiveBack(t, s, r)
	}
}

// refusesMore checks that a store refuses one lock more, and says why.
func refusesMore(t *testing.T, s driver.Store, mode driver.Mode) {
	t.Helper()
	_, err := s.TryAcquire(t.Context(), requests.In(mode, requests.Ask("one more", time.Minute)))
	if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "max_locks_per_transaction") {
		t.Errorf("one more in mode %v: %v, want ErrUnavailable that names max_locks_per_transaction", mode, err)
	}
}

// Row 33.
func TestAProcessHoldsAQuarterOfTheLockTableAtMost(t *testing.T) {
	const locks, connections, prepared = 16, 20, 5
	srv := start(t, fmt.Sprint("max_locks_per_transaction=", locks), fmt.Sprint("max_connections=", connections), fmt.Sprint("max_prepared_transactions=", prepared))
	s := open(t, srv.url())
	heard := losses(t, s)
	most := s.Features().MaxHeld
	if want := locks * (connections + prepared) / 4; most != want {
		t.Fatalf("MaxHeld is %d, want %d", most, want)
	}
	all := takeAll(t, s, "k", most, time.Minute)
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3)} {
		refusesMore(t, s, mode)
	}
	w := requests.Wait(t, s, requests.Ask("another more", time.Minute))
	<-w.Done
	if !errors.Is(w.Err, driver.ErrUnavailable) {
		t.Errorf("Acquire of one more: %v, want ErrUnavailable", w.Err)
	}
	stillHeld(t, s, all)
	if len(heard) > 0 {
		t.Errorf("%d were lost", len(heard))
	}
	stillHeld(t, s, takeAll(t, s, "again", most, time.Minute))
}

// Those who wait elsewhere have marks, which are counted too.
func TestWaitersMarksAreCounted(t *testing.T) {
	srv := start(t, "max_locks_per_transaction=16", "max_connections=20")
	one, two := openApart(t, srv.url()), openApart(t, srv.url())
	most := one.Features().MaxHeld
	theirs := takeAll(t, two, "theirs", 5, time.Minute)
	for _, r := range theirs {
		requests.Wait(t, one, requests.Ask(r.Key, time.Minute))
		marked(t, two, r.Key, 1)
	}
	var held []driver.Request
	for {
		r := requests.Ask(fmt.Sprint("ours", len(held)), time.Minute)
		if _, err := one.TryAcquire(t.Context(), r); err != nil {
			if !errors.Is(err, driver.ErrUnavailable) {
				t.Error(err)
			}
			break
		}
		held = append(held, r)
	}
	if n := len(held); n > most-len(theirs) || n < most-3*len(theirs) {
		t.Errorf("%d are held beside the marks of %d who wait, of %d in all", n, len(theirs), most)
	}
	stillHeld(t, one, held)
}

// SQLSTATE 53200: somebody else fills the table.
func TestALockTableThatOthersFillLosesNothingThatIsHeld(t *testing.T) {
	srv := start(t, "max_locks_per_transaction=16", "max_connections=20")
	admin := srv.admin()
	s, other := openApart(t, srv.url()), openApart(t, srv.url())
	heard := losses(t, s)
	before := len(alone(t, admin))
	all := takeAll(t, s, "k", 20, time.Minute)
	waits := requests.Ask(all[0].Key, time.Minute)
	_, err := admin.Exec(t.Context(), "select pg_advisory_lock(n) from generate_series(1, 1000000) as n")
	if err == nil || !strings.Contains(err.Error(), "53200") {
		t.Fatalf("the table is not full: %v", err)
	}
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3)} {
		refusesMore(t, s, mode)
	}
	w := requests.Wait(t, other, waits)
	check(t, second(s.Extend(t.Context(), all[0])))
	var group sync.WaitGroup
	for i := range 20 { // some share a statement
		group.Go(func() {
			if _, err := s.TryAcquire(t.Context(), requests.Ask(fmt.Sprint("more", i), time.Minute)); !errors.Is(err, driver.ErrUnavailable) {
				t.Errorf("TryAcquire: %v, want ErrUnavailable", err)
			}
		})
	}
	group.Wait()
	if _, err := admin.Exec(t.Context(), "select pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	stillHeld(t, s, all)
	if len(heard) > 0 {
		t.Errorf("%d were lost: %v", len(heard), (<-heard).Err)
	}
	w.Granted(t, mostFallback+lag)
	requests.GiveBack(t, other, waits)
	if n := len(alone(t, admin)); n != before {
		t.Errorf("of what was refused %d locks stayed", n-before)
	}
}

func TestAThousandLocksAndAThousandWaitersNeedFourBackends(t *testing.T) {
	srv := start(t, "max_locks_per_transaction=128")
	admin := srv.admin()
	name := "concurrent-many"
	s, other := open(t, with(srv.url(), "application_name", name)), openApart(t, srv.url())
	var held []driver.Request
	for i, lease := range []time.Duration{7 * time.Second, 30 * time.Second, time.Minute} {
		held = append(held, takeAll(t, s, fmt.Sprint("held", i, "-"), 334, lease)...)
	}
	theirs := takeAll(t, other, "theirs", 500, time.Minute)
	var waiters []*requests.Waiting
	for i := range 500 {
		waiters = append(waiters, requests.Wait(t, s, requests.Ask(theirs[i].Key, time.Minute)), requests.Wait(t, s, requests.Ask(held[i].Key, time.Minute)))
	}
	marked(t, other, theirs[499].Key, 1)
	for _, r := range held[:334] { // its lease is short
		check(t, second(s.Extend(t.Context(), r)))
	}
	if n := number(t, admin, "select count(*) from pg_stat_activity where application_name = $1", name); n > 4 {
		t.Errorf("%d backends, want four at most", n)
	}
	for i, r := range theirs {
		requests.GiveBack(t, other, r)
		waiters[2*i].Granted(t, 10*time.Second)
	}
	for _, w := range waiters {
		w.Cancel()
	}
}
