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

// brief is a request by one who takes what is handed over.
func brief(key string) driver.Request {
	r := requests.Ask(key, time.Minute)
	r.Brief = true
	return r
}

// Who waits need not ask again: one script has it in the queue, and the holder's
// release gives it the lease.
func TestAReleaseHandsTheLeaseToTheNext(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	admin := srv.admin()
	r := brief("k")
	g := requests.Take(t, one, r)
	handed := 0
	for range 20 {
		w := requests.Wait(t, two, brief("k"))
		queued(t, one, "k", 1)
		asked := ran(t, admin)
		requests.GiveBack(t, one, r)
		w.Granted(t, 5*time.Second)
		if w.Grant.Token <= g.Token+uint64(g.Spare) {
			t.Fatalf("granted %+v after %+v", w.Grant, g)
		}
		switch n := ran(t, admin) - asked; {
		case w.Grant.Lease == time.Second && n == 1:
			handed++
		case w.Grant.Lease != 0:
			t.Fatalf("granted %+v, and %d scripts ran from the release to the grant, want its own only", w.Grant, n)
		}
		r, g, one, two = w.Request, w.Grant, two, one
	}
	if handed < 10 { // a busy machine may release too late for some
		t.Errorf("%d of 20 leases were handed over", handed)
	}
}

// Who asked long ago is told that it is its turn, and asks: a process that is frozen
// since then would hold the key for nothing.
func TestNothingIsHandedToOneWhoAskedLongAgo(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	p := waitingProcess(t, srv, s, "brief waiter", 1)
	p.Freeze()
	<-time.After(450 * time.Millisecond) // it would have asked again after 700 ms at the earliest
	requests.GiveBack(t, s, r)
	info, err := s.(driver.Inspector).Inspect(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Holders) != 0 || info.Waiters != 1 {
		t.Errorf("a frozen process has the key: %+v", info)
	}
}

// A process that is frozen as it is handed a lease keeps the key for a second.
func TestAProcessThatIsFrozenKeepsWhatItWasHandedNotForLong(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	p := waitingProcess(t, srv, s, "brief waiter", 1)
	w := requests.Wait(t, s, brief("k"))
	queued(t, s, "k", 2)
	p.Freeze()
	began := time.Now()
	requests.GiveBack(t, s, r)
	w.Granted(t, 5*time.Second)
	if took := w.At.Sub(began); took > 2*time.Second {
		t.Errorf("behind a frozen process it took %v to be granted the key", took)
	}
}

// A message that is lost leaves the lease with its owner: who asks again has it whole.
func TestWhatWasHandedOverWithoutAMessageIsFoundByAsking(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), open(t, srv.url())
	for i := range 5 {
		key := fmt.Sprint("k", i)
		r := brief(key)
		requests.Take(t, one, r)
		w := requests.Wait(t, two, brief(key))
		queued(t, one, key, 1)
		var race sync.WaitGroup
		race.Go(func() {
			if err := srv.admin().ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
				t.Error(err)
			}
		})
		race.Go(func() { requests.GiveBack(t, one, r) })
		race.Wait()
		w.Granted(t, 5*time.Second)
		if _, err := two.Extend(t.Context(), w.Request); err != nil {
			t.Errorf("Extend: %v", err)
		}
	}
}

// A line of hundreds is served in order. It is longer than what the scripts read of it
// at once, and passes the point from which on they write it anew; some of those who
// wait leave, some take nothing that is handed over, and one asks for another mode.
func TestALongLineIsServedInOrder(t *testing.T) {
	const many = 250
	srv := start(t)
	s := open(t, srv.url())
	holder := requests.Ask("k", time.Minute)
	last := requests.Take(t, s, holder)
	var line []*requests.Waiting
	for i := range many {
		r := brief("k")
		r.Brief = i%5 != 0
		if i == many/2 {
			r = requests.In(driver.Shared, r)
		}
		line = append(line, requests.Wait(t, s, r))
		queued(t, s, "k", i+1)
	}
	if _, err := s.Extend(t.Context(), holder); err != nil {
		t.Fatal(err)
	}
	var rest []*requests.Waiting
	for i, w := range line {
		if i%7 != 3 {
			rest = append(rest, w)
			continue
		}
		w.Cancel()
		if <-w.Done; !errors.Is(w.Err, driver.ErrHeld) {
			t.Fatalf("number %d was cancelled: %v", i, w.Err)
		}
	}
	queued(t, s, "k", len(rest))
	for i, w := range rest {
		requests.GiveBack(t, s, holder)
		w.Granted(t, 5*time.Second)
		if w.Grant.Token <= last.Token+uint64(last.Spare) {
			t.Fatalf("number %d: token %d after %d", i, w.Grant.Token, last.Token)
		}
		if n := waiters(t, s, "k"); n != len(rest)-i-1 {
			t.Fatalf("%d wait behind number %d, want %d", n, i, len(rest)-i-1)
		}
		holder, last = w.Request, w.Grant
	}
	requests.GiveBack(t, s, holder)
	holder = requests.Ask("k", time.Minute)
	requests.Take(t, s, holder)
	requests.GiveBack(t, s, holder)
}

// Who waits asks again within about a second, and stands in the queue once, also in one
// of which the scripts read only the beginning.
func TestWhoAsksAgainStandsInTheQueueOnce(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	for key, n := range map[string]int{"short": 2, "long": 30} {
		r := requests.Ask(key, time.Minute)
		requests.Take(t, s, r)
		for range n {
			requests.Wait(t, s, brief(key))
		}
		queued(t, s, key, n)
		// Where a waiter stands already, its entry is written over.
		written := func() int { return calls(t, srv.admin(), "set") + calls(t, srv.admin(), "setrange") }
		before := written()
		requests.Soon(t, "all ask again", func() bool { return written() >= before+2*n })
		if all := waiters(t, s, key); all != n {
			t.Errorf("%s: %d stand in the queue, want %d", key, all, n)
		}
	}
}

// What the scripts read of a record at once has the longest holder in it, and the longest
// entry of the queue.
func TestTheLongestHolderIsHandedALease(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	asks := func() driver.Request {
		r := brief("k")
		r.Owner += strings.Repeat("o", 64-len(r.Owner))
		r.Holder.Host, r.Holder.Label = strings.Repeat("h", 255), strings.Repeat("l", 255)
		return r
	}
	holder := asks()
	requests.Take(t, s, holder)
	var line []*requests.Waiting
	for i := range 10 {
		line = append(line, requests.Wait(t, s, asks()))
		queued(t, s, "k", i+1)
	}
	for i, w := range line {
		requests.GiveBack(t, s, holder)
		w.Granted(t, 5*time.Second)
		holder = w.Request
		info, err := s.(driver.Inspector).Inspect(t.Context(), "k")
		if err != nil || len(info.Holders) != 1 || info.Holders[0].Holder != holder.Holder || info.Waiters != len(line)-1-i {
			t.Fatalf("number %d: %+v (%v)", i, info, err)
		}
		if _, err := s.Extend(t.Context(), holder); err != nil {
			t.Fatalf("number %d: Extend: %v", i, err)
		}
	}
	requests.GiveBack(t, s, holder)
}
