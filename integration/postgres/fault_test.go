package postgres

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// lag is what a busy machine may add to a promise in numbers.
const lag = 3 * time.Second

// mostFallback is after which time, at the latest, a waiter looks that nobody
// tells.
const mostFallback = 1500 * time.Millisecond

// mostPatience is for how long a wait surely goes on while the server is away.
const mostPatience = 3 * time.Second

func second[T any](_ T, err error) error { return err }

// Row 28: each class has its session, and loses nothing with another's.
func TestASessionThatIsEndedTakesNoLocksOfAnotherAndTellsWhy(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	s, other := openApart(t, srv.url()), openApart(t, srv.url())
	heard := losses(t, s)
	names := []string{"short", "usual", "long"}
	leases := []time.Duration{7 * time.Second, 30 * time.Second, time.Minute}
	held, sessions := make([]driver.Request, len(names)), make([]int64, len(names))
	for i, name := range names {
		held[i] = requests.Ask(name, leases[i])
		lock := lockOf(t, admin, other, name)
		requests.Take(t, s, held[i])
		sessions[i] = alone(t, admin)[lock]
	}
	for i, r := range held {
		terminate(t, admin, sessions[i])
		if l := next(t, heard); l.Key != r.Key || l.Owner != r.Owner || !strings.Contains(l.Err.Error(), "ended by an administrator") {
			t.Errorf("the loss of %s of %s was told, want that of %s: %v", l.Key, l.Owner, r.Key, l.Err)
		}
		if err := second(s.Extend(t.Context(), r)); !errors.Is(err, driver.ErrNotHeld) {
			t.Errorf("Extend after the loss: %v, want ErrNotHeld", err)
		}
		if err := s.Release(t.Context(), r); !errors.Is(err, driver.ErrNotHeld) {
			t.Errorf("Release after the loss: %v, want ErrNotHeld", err)
		}
		for _, r := range held[i+1:] {
			check(t, second(s.Extend(t.Context(), r)))
		}
		// Nobody took it again. The server says that a session ends before it has freed
		// what that held.
		requests.Wait(t, other, requests.Ask(r.Key, time.Minute)).Granted(t, mostFallback+lag)
		requests.Take(t, s, requests.Ask("after "+r.Key, leases[i]))
	}
	if len(heard) > 0 {
		t.Errorf("%d losses too many", len(heard))
	}
}

// Row 29: whatever ends a session, all that is on it is told, in every mode.
// Those who wait go on, on a new session.
func TestWhateverEndsASessionIsToldAndWaitersGoOn(t *testing.T) {
	t.Parallel()
	srv := start(t)
	link := srv.Link(t)
	u := with(srv.url(), "application_name", "linked")
	u.Host = link.Addr
	s := open(t, u)
	heard := losses(t, s)
	for name, end := range map[string]func(){
		"a connection that broke":  link.Drop,
		"a server that was killed": func() { check(t, srv.Restart()) },
		"a server that was stopped": func() {
			check(t, srv.Stop())
			check(t, srv.Restart())
		},
	} {
		var waiters []*requests.Waiting
		var nextInLine []driver.Request
		for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(1)} {
			key := name + mode.String()
			requests.Take(t, s, requests.In(mode, requests.Ask(key, 30*time.Second)))
			r := requests.Ask(key, 30*time.Second)
			nextInLine, waiters = append(nextInLine, r), append(waiters, requests.Wait(t, s, r))
		}
		began := time.Now()
		end()
		away := time.Since(began)
		for range waiters {
			if l := next(t, heard); !strings.HasPrefix(l.Key, name) || !errors.Is(l.Err, driver.ErrUnavailable) {
				t.Errorf("after %s, of %s: %v, want ErrUnavailable", name, l.Key, l.Err)
			}
		}
		for i, w := range waiters {
			if away > mostPatience {
				<-w.Done
				again(t, s, nextInLine[i]) // as it should, it may have given up
			} else {
				w.Granted(t, 20*time.Second)
			}
			requests.GiveBack(t, s, nextInLine[i])
		}
	}
}

// Row 13.
func TestACutShorterThanTheSessionsTimeLosesNothing(t *testing.T) {
	t.Parallel()
	srv := start(t)
	link := srv.Link(t)
	u := srv.url()
	u.Host = link.Addr
	s := open(t, u)
	heard := losses(t, s)
	r := requests.Ask("k", 30*time.Second)
	requests.Take(t, s, r)
	link.Cut(servers.Both)
	<-time.After(3 * time.Second)
	link.Heal()
	check(t, second(s.Extend(t.Context(), r)))
	if len(heard) > 0 {
		t.Errorf("it was lost: %v", (<-heard).Err)
	}
	requests.GiveBack(t, s, r)
}

// Rows 3 and 14, in numbers: the server frees what a process holds that it does
// not hear of no earlier than the shortest lease there ends, and no later than
// that lease after the last word. The process knows before another has it.
func TestACutOffHolderIsToldBeforeAnotherHasItsLock(t *testing.T) {
	t.Parallel()
	srv := start(t)
	admin := srv.admin()
	other := openApart(t, srv.url())
	for _, way := range []servers.Direction{servers.Both, servers.Replies} {
		link := srv.Link(t)
		u := with(srv.url(), "application_name", string(way))
		u.Host = link.Addr
		s := open(t, u)
		heard := losses(t, s)
		const lease = 2 * time.Second
		long := requests.Ask("long "+string(way), 6*time.Second)
		lock := lockOf(t, admin, other, long.Key)
		requests.Take(t, s, long)
		holder := alone(t, admin)[lock]
		g := requests.Take(t, s, requests.Ask("short "+string(way), lease))
		link.Cut(way)
		cut := time.Now()
		w := requests.Wait(t, other, requests.Ask(long.Key, time.Minute))
		free := freedBy(t, admin, lock, holder)
		w.Granted(t, mostFallback+lag)
		told := next(t, heard)
		for told.Key != long.Key {
			told = next(t, heard)
		}
		if told.at.After(w.At) {
			t.Errorf("%s: another had the lock %v before its holder was told", way, told.at.Sub(w.At))
		}
		if early := g.Sent.Add(lease).Sub(free); early > 0 && way != servers.Replies { // the holder says goodbye
			t.Errorf("%s: it was freed %v before the end of the shortest lease", way, early)
		}
		if took := free.Sub(cut); took > lease+lag {
			t.Errorf("%s: it was freed after %v, of a lease of %v", way, took, lease)
		}
		t.Logf("%s: told %v after the cut, free after %v, another's after %v", way, told.at.Sub(cut), free.Sub(cut), w.At.Sub(cut))
		link.Heal()
	}
}

// Row 2.
func TestAHolderWhoseProcessDiesIsFreedAtOnce(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	s := open(t, srv.url())
	lock := lockOf(t, admin, s, "k")
	p := process.Start(t, "holder", srv.URL, "k") // for a minute
	p.HearsNumber()
	holder := alone(t, admin)[lock]
	w := requests.Wait(t, s, requests.Ask("k", time.Minute))
	began := time.Now()
	p.Signal(syscall.SIGKILL)
	if took := freedBy(t, admin, lock, holder).Sub(began); took > lag {
		t.Errorf("it was freed after %v, want at once", took)
	}
	w.Granted(t, mostFallback+lag)
}

// Row 5, in numbers.
func TestAFrozenHoldersLockIsFreedNoEarlierThanItsLeaseEndsAndNotMuchLater(t *testing.T) {
	t.Parallel()
	srv := start(t)
	admin := srv.admin()
	s := open(t, srv.url())
	leases := []time.Duration{2 * time.Second, 3 * time.Second}
	all := make([]frozen, len(leases))
	for i, lease := range leases {
		all[i] = freezeHolder(t, srv, s, lease)
	}
	for _, f := range all { // the shortest lease first
		free := freedBy(t, admin, f.lock, f.holder)
		if free.Before(f.until) {
			t.Errorf("a lease of %v was freed %v before its holder's own deadline", f.lease, f.until.Sub(free))
		}
		if took := free.Sub(f.at); took > f.lease+lag {
			t.Errorf("a lease of %v was freed %v after its holder froze", f.lease, took)
		}
		f.next.Granted(t, mostFallback+lag)
		t.Logf("a lease of %v was free after %v, another's after %v", f.lease, free.Sub(f.at), f.next.At.Sub(f.at))
	}
}

// A frozen is a holder that stands still.
type frozen struct {
	lease  time.Duration
	lock   string
	holder int64     // its session
	until  time.Time // by its own clock
	at     time.Time
	next   *requests.Waiting
}

// freezeHolder has a process hold a key and freezes it. s waits for the key.
func freezeHolder(t *testing.T, srv *server, s driver.Store, lease time.Duration) frozen {
	t.Helper()
	key, admin := lease.String(), srv.admin()
	f := frozen{lease: lease, lock: lockOf(t, admin, s, key)}
	p := process.Start(t, "holder", srv.URL, key, leaseEnv+"="+key)
	f.until = time.UnixMicro(p.HearsNumber())
	f.holder = alone(t, admin)[f.lock]
	p.Freeze()
	f.at = time.Now()
	f.next = requests.Wait(t, s, requests.Ask(key, time.Minute))
	return f
}
