package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

func waiters(t *testing.T, s driver.Store, key string) int {
	t.Helper()
	info, err := s.(driver.Inspector).Inspect(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return info.Waiters
}

func queued(t *testing.T, s driver.Store, key string, n int) {
	t.Helper()
	requests.Soon(t, fmt.Sprintf("%d wait for %s", n, key), func() bool { return waiters(t, s, key) == n })
}

func TestAReleaseWakesTheWaiterByAMessage(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	for i := range 20 {
		key := fmt.Sprint("k", i)
		r := requests.Ask(key, time.Minute)
		requests.Take(t, one, r)
		w := requests.Wait(t, two, requests.Ask(key, time.Minute))
		queued(t, one, key, 1)
		began := time.Now()
		requests.GiveBack(t, one, r)
		w.Granted(t, 5*time.Second)
		// The fallback comes after 700 ms at the earliest.
		if took := w.At.Sub(began); took > 300*time.Millisecond {
			t.Errorf("the waiter was granted the key %v after the release: no message woke it", took)
		}
	}
}

func TestTheEndOfALeaseWakesTheFirstInLine(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	g := requests.Take(t, one, requests.Ask("k", 1600*time.Millisecond))
	w := requests.Wait(t, two, requests.Ask("k", time.Minute))
	w.Granted(t, 10*time.Second)
	if late := w.At.Sub(g.Sent.Add(1600 * time.Millisecond)); late < 0 || late > 300*time.Millisecond {
		t.Errorf("the waiter was granted the key %v after the end of the lease", late)
	}
}

func TestOneConnectionForAllThatWait(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	var all []driver.Request
	for i := range 200 {
		r := requests.Ask(fmt.Sprint("k", i), time.Minute)
		requests.Take(t, s, r)
		requests.Wait(t, s, requests.Ask(r.Key, time.Minute))
		all = append(all, r)
	}
	for _, r := range all {
		queued(t, s, r.Key, 1)
	}
	list, err := srv.admin().ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(list, "cmd=subscribe"); n != 1 {
		t.Errorf("%d connections are subscribed, want 1", n)
	}
	if n := strings.Count(list, "\n"); n > 25 {
		t.Errorf("%d connections for 200 that wait", n)
	}
}

func TestACancelledWaitLeavesNoTrace(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, one, r)
	w := requests.Wait(t, two, requests.Ask("k", time.Minute))
	queued(t, one, "k", 1)
	w.Cancel()
	<-w.Done
	if !errors.Is(w.Err, context.Canceled) || !errors.Is(w.Err, driver.ErrHeld) {
		t.Errorf("the wait ended with %v, want context.Canceled and ErrHeld", w.Err)
	}
	if n := waiters(t, one, "k"); n != 0 {
		t.Errorf("%d wait still", n)
	}
}

// Row 8: a wait that is cancelled at the moment of its grant passes it on.
func TestAGrantThatNobodyWaitsForGoesToTheNext(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	for i := range 200 {
		key := fmt.Sprint("k", i)
		asks := func() driver.Request {
			r := requests.Ask(key, time.Minute)
			r.Brief = i%2 == 0 // it is handed a lease, else told that its turn has come
			return r
		}
		r := asks()
		requests.Take(t, one, r)
		first := requests.Wait(t, two, asks())
		queued(t, one, key, 1)
		second := requests.Wait(t, two, asks())
		queued(t, one, key, 2)
		var race sync.WaitGroup
		race.Go(func() { requests.GiveBack(t, one, r) })
		race.Go(first.Cancel)
		race.Wait()
		<-first.Done
		if first.Err == nil {
			requests.GiveBack(t, two, first.Request)
		}
		second.Granted(t, 5*time.Second)
		if late := second.At.Sub(first.At); late > 600*time.Millisecond {
			t.Errorf("the second waiter got the key %v after the first had left", late)
		}
	}
}

// waitingProcess starts one that is in a role the n-th of those who wait for k.
func waitingProcess(t *testing.T, srv *server, s driver.Store, role string, n int) *process.Process {
	t.Helper()
	p := process.Start(t, role, srv.url(), "k")
	p.Hears("waits")
	queued(t, s, "k", n)
	return p
}

// Row 7.
func TestADeadWaiterIsSkipped(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	var dead []*process.Process
	for i := range 5 {
		dead = append(dead, waitingProcess(t, srv, s, "waiter", i+1))
	}
	w := requests.Wait(t, s, requests.Ask("k", time.Minute))
	queued(t, s, "k", 6)
	for _, p := range dead {
		p.Kill()
	}
	began := time.Now()
	requests.GiveBack(t, s, r)
	w.Granted(t, 5*time.Second)
	if took := w.At.Sub(began); took > 300*time.Millisecond {
		t.Errorf("behind five dead processes it took %v to be granted the key, want no time", took)
	}
	requests.GiveBack(t, s, w.Request)
	queued(t, s, "k", 0)
}

// Row 6.
func TestAFrozenWaiterDelaysTheOthersByTwoSecondsAtMost(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	p := waitingProcess(t, srv, s, "waiter", 1)
	w := requests.Wait(t, s, requests.Ask("k", time.Minute))
	queued(t, s, "k", 2)
	p.Freeze()
	queued(t, s, "k", 2) // what it asked before that, the server has answered
	began := time.Now()
	requests.GiveBack(t, s, r)
	w.Granted(t, 5*time.Second)
	if took := w.At.Sub(began); took > 2*time.Second {
		t.Errorf("behind a frozen process it took %v to be granted the key", took)
	}
	p.Signal(syscall.SIGCONT)
	queued(t, s, "k", 1)
	requests.GiveBack(t, s, w.Request)
	p.Hears("holds")
}

// Row 24.
func TestALostSubscriptionDelaysByTheFallbackAtMost(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	admin := srv.admin()
	for i := range 3 {
		key := fmt.Sprint("k", i)
		r := requests.Ask(key, time.Minute)
		requests.Take(t, one, r)
		w := requests.Wait(t, two, requests.Ask(key, time.Minute))
		queued(t, one, key, 1)
		began := time.Now()
		if err := admin.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
			t.Fatal(err)
		}
		requests.GiveBack(t, one, r)
		w.Granted(t, 5*time.Second)
		if took := w.At.Sub(began); took > 2*time.Second {
			t.Errorf("without its subscription the waiter was granted the key after %v", took)
		}
	}
	r := requests.Ask("again", time.Minute)
	requests.Take(t, one, r)
	w := requests.Wait(t, two, requests.Ask("again", time.Minute))
	queued(t, one, "again", 1)
	began := time.Now()
	requests.GiveBack(t, one, r)
	w.Granted(t, 5*time.Second)
	if took := w.At.Sub(began); took > 300*time.Millisecond {
		t.Errorf("the subscription did not come back: %v", took)
	}
}

// crowd has n processes take turns on one key until the server has run enough
// scripts, and returns how often each had it and how many scripts that were.
func crowd(t *testing.T, n, enough int) (turns []int, scripts int) {
	srv := start(t)
	admin := srv.admin()
	s := open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	ps := make([]*process.Process, n)
	for i := range ps {
		ps[i] = process.Start(t, "loop", srv.url(), "k")
	}
	for _, p := range ps {
		p.Hears("waits")
	}
	queued(t, s, "k", n)
	if err := admin.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	requests.GiveBack(t, s, r)
	requests.Soon(t, "they take turns", func() bool {
		return ran(t, admin) >= enough
	})
	if _, err := s.(driver.Waiter).Acquire(t.Context(), r); err != nil { // so that all stop at once
		t.Fatal(err)
	}
	queued(t, s, "k", n)
	scripts = ran(t, admin)
	if size, err := admin.StrLen(t.Context(), named(t, admin, "k")).Result(); err != nil || size > 20_000 {
		t.Errorf("the record of %d that wait has %d bytes (%v)", n, size, err)
	}
	for _, p := range ps {
		p.End()
	}
	for _, p := range ps {
		turns = append(turns, int(p.HearsNumber())) // how often it had the key
	}
	return turns, scripts
}

// ran is how many scripts a server has run.
func ran(t *testing.T, admin *redis.Client) int {
	t.Helper()
	return calls(t, admin, "evalsha")
}

// calls is how often a server has carried out a command.
func calls(t *testing.T, admin *redis.Client, command string) int {
	t.Helper()
	stats, err := admin.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	return callsIn(t, stats, command)
}

// callsIn is what the statistics of a server's commands say of one.
func callsIn(t testing.TB, stats, command string) int {
	t.Helper()
	for line := range strings.Lines(stats) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_"+command+":calls="); ok {
			count, _, _ := strings.Cut(rest, ",")
			n, err := strconv.Atoi(count)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

func TestHandOversTakeAsManyRoundTripsWhateverTheCrowd(t *testing.T) {
	for _, n := range []int{4, 64} {
		turns, scripts := crowd(t, n, max(50*n, 2000))
		sum := 0
		for _, n := range turns {
			sum += n
		}
		if each := float64(scripts) / float64(sum); each > 4 {
			t.Errorf("%d processes: %.1f round trips a hand-over (%d for %d), want at most 4", n, each, scripts, sum)
		} else {
			t.Logf("%d processes: %.2f round trips a hand-over", n, each)
		}
		if least, most := slices.Min(turns), slices.Max(turns); float64(most) > 1.2*float64(least)+2 {
			t.Errorf("%d processes: the busiest had %d turns, another %d", n, most, least)
		}
	}
}
