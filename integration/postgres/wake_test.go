package postgres

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// ears is the session of a store that listens, 0 if there is none: the one that
// is not found by the lock that all sessions with leases share.
func ears(t *testing.T, c *pgx.Conn, name string) int64 {
	t.Helper()
	return number(t, c, `select coalesce(min(pid), 0)::int8 from pg_stat_activity as a
		where application_name = $1 and not exists (
			select from pg_locks as l where l.pid = a.pid and locktype = 'advisory' and mode = 'ShareLock')`, name)
}

// marked waits until n processes have marks at the server for those who wait.
func marked(t *testing.T, s driver.Store, key string, n int) {
	t.Helper()
	requests.Soon(t, fmt.Sprintf("%d wait for %s", n, key), func() bool {
		info, err := s.(driver.Inspector).Inspect(t.Context(), key)
		check(t, err)
		return info.Waiters == n
	})
}

// Row 35.
func TestWaitersAreWokenAlthoughTheirListeningSessionEnded(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	one, two := openApart(t, srv.url()), open(t, with(srv.url(), "application_name", "two"))
	heard := losses(t, two)
	held := requests.Ask("held", 30*time.Second)
	requests.Take(t, two, held)
	old := ears(t, admin, "two")
	for i := range 3 {
		key := fmt.Sprint("k", i)
		r := requests.Ask(key, 30*time.Second)
		requests.Take(t, one, r)
		w := requests.Wait(t, two, requests.Ask(key, 30*time.Second))
		marked(t, one, key, 1)
		began := time.Now()
		terminate(t, admin, old)
		requests.Soon(t, "nobody listens", func() bool {
			return number(t, admin, "select count(*) from pg_stat_activity where pid = $1", old) == 0
		})
		requests.GiveBack(t, one, r)
		w.Granted(t, mostFallback+lag)
		t.Logf("woken %v after the release", w.At.Sub(began))
		requests.Soon(t, "it listens again", func() bool {
			now := ears(t, admin, "two")
			return now != 0 && now != old
		})
		old = ears(t, admin, "two")
	}
	requests.Soon(t, "a release wakes whoever waits", func() bool { return woken(t, one, two) < leastFallback })
	if len(heard) > 0 {
		t.Errorf("a lock was lost with the session that listens: %v", (<-heard).Err)
	}
	requests.GiveBack(t, two, held)
}

// leastFallback is before which time nobody looks that was not told.
const leastFallback = 500 * time.Millisecond

// woken returns how long after a release a waiter has the key.
func woken(t *testing.T, one, two driver.Store) time.Duration {
	t.Helper()
	r, theirs := requests.Ask("woken", 30*time.Second), requests.Ask("woken", 30*time.Second)
	requests.Take(t, one, r)
	w := requests.Wait(t, two, theirs)
	marked(t, one, "woken", 1)
	began := time.Now()
	requests.GiveBack(t, one, r)
	w.Granted(t, mostFallback+lag)
	requests.GiveBack(t, two, theirs)
	return w.At.Sub(began)
}

// Row 6.
func TestAFrozenWaiterDelaysTheOthersByTheFallbackAtMost(t *testing.T) {
	srv := start(t)
	s := openApart(t, srv.url())
	r, theirs := requests.Ask("k", 30*time.Second), requests.Ask("k", 30*time.Second)
	requests.Take(t, s, r)
	p := process.Start(t, "waiter", srv.URL, "k")
	p.Hears("waits")
	marked(t, s, "k", 1)
	other := openApart(t, srv.url()) // the frozen one, which came before, is told before
	w := requests.Wait(t, other, theirs)
	marked(t, s, "k", 2)
	p.Freeze()
	began := time.Now()
	requests.GiveBack(t, s, r)
	w.Granted(t, mostFallback+lag)
	t.Logf("granted %v after the release", w.At.Sub(began))
	p.Signal(syscall.SIGCONT)
	requests.GiveBack(t, other, theirs)
	p.Hears("holds")
}

// Row 7.
func TestADeadWaiterIsSkipped(t *testing.T) {
	srv := start(t)
	s, other := openApart(t, srv.url()), openApart(t, srv.url())
	r := requests.Ask("k", 30*time.Second)
	requests.Take(t, s, r)
	var dead []*process.Process
	for range 3 {
		p := process.Start(t, "waiter", srv.URL, "k")
		p.Hears("waits")
		dead = append(dead, p)
	}
	w := requests.Wait(t, other, requests.Ask("k", 30*time.Second))
	marked(t, s, "k", 4)
	for _, p := range dead {
		p.Kill()
	}
	marked(t, s, "k", 1)
	requests.GiveBack(t, s, r)
	w.Granted(t, mostFallback+lag)
}

// A session that held the key and waiters' marks ends without a word: who waits
// looks by itself.
func TestASessionThatDiesWithoutAWordIsFoundByThoseWhoWait(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	one, two := openApart(t, srv.url()), openApart(t, srv.url())
	lock := lockOf(t, admin, one, "k")
	requests.Take(t, one, requests.Ask("k", 30*time.Second))
	w := requests.Wait(t, two, requests.Ask("k", 30*time.Second))
	marked(t, one, "k", 1)
	terminate(t, admin, alone(t, admin)[lock])
	w.Granted(t, mostFallback+lag)
}
