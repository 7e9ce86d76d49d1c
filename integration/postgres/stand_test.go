package postgres

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// frozenFor is when the server takes a key back from a process that was granted it
// in the server's own queue and does not say so.
const frozenFor = 500 * time.Millisecond

// A rush is stores that take turns with a key, as if each were another process's.
type rush struct {
	t      *testing.T
	key    string
	stores []driver.Store
	turns  []atomic.Int64
	stop   chan struct{}
	group  sync.WaitGroup
	inside atomic.Int32
	last   atomic.Uint64 // token
}

func startRush(t *testing.T, u *url.URL, key string, n int) *rush {
	t.Helper()
	r := &rush{t: t, key: key, turns: make([]atomic.Int64, n), stop: make(chan struct{})}
	for i := range n {
		s := open(t, with(u, "application_name", fmt.Sprint("rush-", i)))
		r.stores = append(r.stores, s)
		r.group.Go(func() { r.run(i, s) })
	}
	t.Cleanup(r.end)
	return r
}

func (r *rush) run(i int, s driver.Store) {
	ctx := context.WithoutCancel(r.t.Context()) // it ends by end
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		ask := requests.Ask(r.key, 30*time.Second)
		g, err := s.(driver.Waiter).Acquire(ctx, ask)
		if err != nil {
			r.t.Errorf("Acquire: %v", err)
			return
		}
		if n := r.inside.Add(1); n != 1 {
			r.t.Errorf("%d hold the key", n)
		}
		if last := r.last.Swap(g.Token); g.Token <= last {
			r.t.Errorf("token %d after %d", g.Token, last)
		}
		r.inside.Add(-1)
		if err := s.Release(ctx, ask); err != nil {
			r.t.Errorf("Release: %v", err)
			return
		}
		r.turns[i].Add(1)
	}
}

// end has nobody begin another turn, and waits for those that have begun.
func (r *rush) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.group.Wait()
}

// standing is how many sessions stand in the server's queue.
func standing(t *testing.T, c *pgx.Conn) int64 {
	t.Helper()
	return number(t, c, "select count(*) from pg_locks where locktype = 'advisory' and not granted")
}

// standingWithMore is how many of them have a lock alone that others may wait for.
const standingWithMore = `with l as materialized (select * from pg_locks where locktype = 'advisory')
	select count(*) from l as w join l as h using (pid) where not w.granted and h.granted and h.mode = 'ExclusiveLock'`

func TestAKeyThatManyWaitForIsHandedOverInTheServersQueue(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	r := startRush(t, srv.url(), "k", 4)
	for range 3 {
		requests.Soon(t, "most stand in the queue", func() bool { return standing(t, admin) >= 2 })
	}
	for range 200 {
		if n := number(t, admin, standingWithMore); n > 0 {
			t.Fatalf("%d that stand in the queue hold something that others may wait for", n)
		}
	}
	if n := number(t, admin, `select max(n) from (select count(*) as n from pg_stat_activity
		where application_name like 'rush-%' group by application_name) as a`); n != 3 {
		t.Errorf("a process has %d sessions, want 3", n)
	}
	r.end()
	for i := range r.turns {
		if r.turns[i].Load() == 0 {
			t.Errorf("process %d never had a turn", i)
		}
	}
	requests.Soon(t, "nobody stands when nobody waits", func() bool { return standing(t, admin) == 0 })
	requests.Take(t, r.stores[0], requests.Ask("k", 30*time.Second))
}

// A wait that is long goes on by marks and messages, and no session waits.
func TestWhoStandsForAKeyThatIsHeldForLongWaitsByMessages(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	r := startRush(t, srv.url(), "k", 3)
	s := openApart(t, srv.url())
	requests.Soon(t, "somebody stands in the queue", func() bool { return standing(t, admin) > 0 })
	for range 3 {
		ask := requests.Ask("k", 30*time.Second)
		requests.Wait(t, s, ask).Granted(t, time.Minute)
		requests.Soon(t, "nobody stands", func() bool { return standing(t, admin) == 0 })
		marked(t, s, "k", 3)
		before := r.last.Load()
		requests.GiveBack(t, s, ask)
		requests.Soon(t, "it goes on", func() bool { return r.last.Load() > before })
	}
	r.end()
	requests.Take(t, s, requests.Ask("k", 30*time.Second))
}

// frozenInQueue freezes a process until it is one that stands in the queue then.
func frozenInQueue(t *testing.T, c *pgx.Conn, p *process.Process, name string) {
	t.Helper()
	requests.Soon(t, "a process was frozen that stands in the queue", func() bool {
		p.Freeze()
		if number(t, c, `select count(*) from pg_locks as l join pg_stat_activity as a using (pid)
			where l.locktype = 'advisory' and not l.granted and a.application_name = $1`, name) > 0 {
			return true
		}
		p.Signal(syscall.SIGCONT)
		return false
	})
}

// Rows 6 and 7, in the server's queue.
func TestAFrozenProcessInTheQueueDelaysTheOthersForAMoment(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	r := startRush(t, srv.url(), "k", 3)
	p := process.Start(t, "turns", with(srv.url(), "application_name", "frozen").String(), "k")
	p.Hears("begins")
	for _, end := range []func(){func() { p.Signal(syscall.SIGCONT) }, p.Kill} {
		frozenInQueue(t, admin, p, "frozen")
		began := time.Now()
		requests.Soon(t, "the server has taken the key back from the frozen process", func() bool {
			return number(t, admin, `select count(*) from pg_locks as l join pg_stat_activity as a using (pid)
				where l.locktype = 'advisory' and a.application_name = 'frozen' and (not l.granted or l.mode = 'ExclusiveLock' and a.query like '%pg_advisory_lock(%')`) == 0
		})
		before := r.last.Load()
		requests.Soon(t, "the others go on", func() bool { return r.last.Load() > before })
		if took := time.Since(began); took > frozenFor+lag {
			t.Errorf("the others went on after %v", took)
		}
		end()
	}
}

// One that can't stand, as it has all the sessions that it may have, has its turn
// among many that do.
func TestAProcessThatCannotStandHasItsTurns(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	s := openApart(t, srv.url())
	for _, lease := range []time.Duration{2 * time.Second, 10 * time.Second, time.Minute} {
		requests.Take(t, s, requests.Ask(lease.String(), lease))
	}
	startRush(t, srv.url(), "k", 8)
	requests.Soon(t, "most stand in the queue", func() bool { return standing(t, admin) >= 4 })
	for range 10 {
		ask := requests.Ask("k", 30*time.Second)
		requests.Wait(t, s, ask).Granted(t, 20*time.Second)
		requests.GiveBack(t, s, ask)
	}
}

// A process has four sessions at most: one that stands makes room for leases of
// another length.
func TestAProcessNeverHasMoreThanFourSessions(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	r := startRush(t, srv.url(), "k", 3)
	requests.Soon(t, "most stand in the queue", func() bool { return standing(t, admin) >= 2 })
	for _, lease := range []time.Duration{2 * time.Second, time.Minute} {
		requests.Take(t, r.stores[0], requests.Ask(lease.String(), lease))
	}
	requests.Soon(t, "the session that stands made room", func() bool {
		return number(t, admin, "select count(*) from pg_stat_activity where application_name = 'rush-0'") == 4
	})
	before := r.turns[0].Load()
	requests.Soon(t, "the process goes on without it", func() bool { return r.turns[0].Load() > before+10 })
	for range 100 {
		if n := number(t, admin, "select count(*) from pg_stat_activity where application_name = 'rush-0'"); n > 4 {
			t.Fatalf("it has %d sessions", n)
		}
	}
}
