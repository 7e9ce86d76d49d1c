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

	"github.com/concurrent-go/concurrent/driver"
)

// A waiting is an Acquire in the background.
type waiting struct {
	request driver.Request
	cancel  context.CancelFunc
	done    chan struct{}
	grant   driver.Grant
	err     error
	at      time.Time
}

func wait(t *testing.T, s driver.Store, r driver.Request) *waiting {
	ctx, cancel := context.WithCancel(t.Context())
	w := &waiting{request: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.grant, w.err = s.(driver.Waiter).Acquire(ctx, r)
		w.at = time.Now()
	}()
	t.Cleanup(func() { cancel(); <-w.done })
	return w
}

func (w *waiting) granted(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-w.done:
	case <-time.After(within):
		t.Fatalf("%s was not granted to the waiter within %v", w.request.Key, within)
	}
	if w.err != nil {
		t.Fatalf("the wait for %s ended: %v", w.request.Key, w.err)
	}
}

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
	soon(t, fmt.Sprintf("%d wait for %s", n, key), func() bool { return waiters(t, s, key) == n })
}

func TestAReleaseWakesTheWaiterByAMessage(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	for i := range 20 {
		key := fmt.Sprint("k", i)
		r := ask(key, time.Minute)
		take(t, one, r)
		w := wait(t, two, ask(key, time.Minute))
		queued(t, one, key, 1)
		began := time.Now()
		giveBack(t, one, r)
		w.granted(t, 5*time.Second)
		// The fallback comes after 700 ms at the earliest.
		if took := w.at.Sub(began); took > 300*time.Millisecond {
			t.Errorf("the waiter was granted the key %v after the release: no message woke it", took)
		}
	}
}

func TestTheEndOfALeaseWakesTheFirstInLine(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	g := take(t, one, ask("k", 1600*time.Millisecond))
	w := wait(t, two, ask("k", time.Minute))
	w.granted(t, 10*time.Second)
	if late := w.at.Sub(g.Sent.Add(1600 * time.Millisecond)); late < 0 || late > 300*time.Millisecond {
		t.Errorf("the waiter was granted the key %v after the end of the lease", late)
	}
}

func TestOneConnectionForAllThatWait(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	var all []driver.Request
	for i := range 200 {
		r := ask(fmt.Sprint("k", i), time.Minute)
		take(t, s, r)
		wait(t, s, ask(r.Key, time.Minute))
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
	r := ask("k", time.Minute)
	take(t, one, r)
	w := wait(t, two, ask("k", time.Minute))
	queued(t, one, "k", 1)
	w.cancel()
	<-w.done
	if !errors.Is(w.err, context.Canceled) || !errors.Is(w.err, driver.ErrHeld) {
		t.Errorf("the wait ended with %v, want context.Canceled and ErrHeld", w.err)
	}
	if n := waiters(t, one, "k"); n != 0 {
		t.Errorf("%d wait still", n)
	}
}

// Row 8: a wait that is cancelled at the moment of its grant passes it on.
func TestAGrantThatNobodyWaitsForGoesToTheNext(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	for i := range 100 {
		key := fmt.Sprint("k", i)
		r := ask(key, time.Minute)
		take(t, one, r)
		first := wait(t, two, ask(key, time.Minute))
		queued(t, one, key, 1)
		second := wait(t, two, ask(key, time.Minute))
		queued(t, one, key, 2)
		var race sync.WaitGroup
		race.Go(func() { giveBack(t, one, r) })
		race.Go(first.cancel)
		race.Wait()
		<-first.done
		if first.err == nil {
			giveBack(t, two, first.request)
		}
		second.granted(t, 5*time.Second)
		if late := second.at.Sub(first.at); late > 600*time.Millisecond {
			t.Errorf("the second waiter got the key %v after the first had left", late)
		}
	}
}

// Row 7.
func TestADeadWaiterIsSkipped(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := ask("k", time.Minute)
	take(t, s, r)
	var dead []*process
	for range 5 {
		p := spawn(t, "waiter", srv.url(), "k")
		p.hears("waits")
		dead = append(dead, p)
	}
	queued(t, s, "k", 5)
	w := wait(t, s, ask("k", time.Minute))
	queued(t, s, "k", 6)
	for _, p := range dead {
		p.kill()
	}
	began := time.Now()
	giveBack(t, s, r)
	w.granted(t, 5*time.Second)
	if took := w.at.Sub(began); took > 300*time.Millisecond {
		t.Errorf("behind five dead processes it took %v to be granted the key, want no time", took)
	}
	giveBack(t, s, w.request)
	queued(t, s, "k", 0)
}

// Row 6.
func TestAFrozenWaiterDelaysTheOthersByTwoSecondsAtMost(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := ask("k", time.Minute)
	take(t, s, r)
	p := spawn(t, "waiter", srv.url(), "k")
	p.hears("waits")
	queued(t, s, "k", 1)
	w := wait(t, s, ask("k", time.Minute))
	queued(t, s, "k", 2)
	p.freeze()
	queued(t, s, "k", 2) // what it asked before that, the server has answered
	began := time.Now()
	giveBack(t, s, r)
	w.granted(t, 5*time.Second)
	if took := w.at.Sub(began); took > 2*time.Second {
		t.Errorf("behind a frozen process it took %v to be granted the key", took)
	}
	p.signal(syscall.SIGCONT)
	queued(t, s, "k", 1)
	giveBack(t, s, w.request)
	p.hears("holds")
}

// Row 24.
func TestALostSubscriptionDelaysByTheFallbackAtMost(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	admin := srv.admin()
	for i := range 3 {
		key := fmt.Sprint("k", i)
		r := ask(key, time.Minute)
		take(t, one, r)
		w := wait(t, two, ask(key, time.Minute))
		queued(t, one, key, 1)
		began := time.Now()
		if err := admin.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
			t.Fatal(err)
		}
		giveBack(t, one, r)
		w.granted(t, 5*time.Second)
		if took := w.at.Sub(began); took > 2*time.Second {
			t.Errorf("without its subscription the waiter was granted the key after %v", took)
		}
	}
	r := ask("again", time.Minute)
	take(t, one, r)
	w := wait(t, two, ask("again", time.Minute))
	queued(t, one, "again", 1)
	began := time.Now()
	giveBack(t, one, r)
	w.granted(t, 5*time.Second)
	if took := w.at.Sub(began); took > 300*time.Millisecond {
		t.Errorf("the subscription did not come back: %v", took)
	}
}

// crowd has n processes take turns on one key, and returns how often each had
// it and how many scripts the server ran meanwhile.
func crowd(t *testing.T, n int, during time.Duration) (turns []int, scripts int) {
	srv := start(t)
	admin := srv.admin()
	s := open(t, srv.url())
	r := ask("k", time.Minute)
	take(t, s, r)
	ps := make([]*process, n)
	for i := range ps {
		ps[i] = spawn(t, "loop", srv.url(), "k")
	}
	for _, p := range ps {
		p.hears("waits")
	}
	queued(t, s, "k", n)
	if err := admin.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	giveBack(t, s, r)
	<-time.After(during)
	stats, err := admin.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		_ = p.stdin.Close()
	}
	for _, p := range ps {
		if !p.lines.Scan() {
			t.Fatal("a process did not say how often it had the key")
		}
		n, err := strconv.Atoi(p.lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		turns = append(turns, n)
	}
	for line := range strings.Lines(stats) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
			count, _, _ := strings.Cut(rest, ",")
			if scripts, err = strconv.Atoi(count); err != nil {
				t.Fatal(err)
			}
		}
	}
	return turns, scripts
}

func TestHandOversTakeAsManyRoundTripsWhateverTheCrowd(t *testing.T) {
	for _, n := range []int{4, 64} {
		turns, scripts := crowd(t, n, 2*time.Second)
		sum := 0
		for _, n := range turns {
			sum += n
		}
		if sum < 10*n {
			t.Errorf("%d processes had %d turns in two seconds", n, sum)
			continue
		}
		if each := float64(scripts) / float64(sum); each > 4 {
			t.Errorf("%d processes: %.1f round trips a hand-over (%d for %d), want at most 4", n, each, scripts, sum)
		} else {
			t.Logf("%d processes: %.2f round trips a hand-over, %d hand-overs a second", n, each, sum/2)
		}
		if least, most := slices.Min(turns), slices.Max(turns); float64(most) > 1.2*float64(least)+2 {
			t.Errorf("%d processes: the busiest had %d turns, another %d", n, most, least)
		}
	}
}
