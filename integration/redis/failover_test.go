package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// A pair is a master and its replica behind one address, which leads to the master: a
// proxy, or the name of a service. Connections that were made before a failover stay.
type pair struct {
	t               *testing.T
	link            *servers.Link
	master, replica *server
}

func startPair(t *testing.T, version string) *pair {
	t.Helper()
	p := &pair{t: t, master: launch(t, version)}
	p.replica = launch(t, version, servers.Args("--replicaof", "127.0.0.1 "+p.master.port, "--repl-diskless-sync-delay", "0"))
	p.link = p.master.Link(t)
	p.inStep()
	return p
}

func (p *pair) inStep() {
	p.t.Helper()
	requests.Soon(p.t, "the replica is in step", func() bool {
		return strings.Contains(p.replica.admin().Info(p.t.Context(), "replication").Val(), "master_link_status:up")
	})
}

// failOver makes the replica the master, in order: nothing is lost. The address leads
// there some time later.
func (p *pair) failOver(later time.Duration) {
	p.t.Helper()
	check(p.t, p.master.admin().Do(p.t.Context(), "failover").Err())
	requests.Soon(p.t, "the replica is the master", func() bool {
		return strings.Contains(p.replica.admin().Info(p.t.Context(), "replication").Val(), "role:master")
	})
	<-time.After(later)
	p.link.Lead(p.replica.Server)
	p.master, p.replica = p.replica, p.master
	p.inStep()
}

// listenSoon checks that so many stores listen to the master within a time.
func (p *pair) listenSoon(stores int, within time.Duration) {
	p.t.Helper()
	admin, began := p.master.admin(), time.Now()
	requests.Soon(p.t, "they listen to the master", func() bool {
		return len(admin.PubSubChannels(p.t.Context(), "lk:in:*").Val()) >= stores
	})
	if took := time.Since(began); took > within {
		p.t.Errorf("%d stores listened to the new master after %v", stores, took)
	}
}

// rivals take a key again and again, and see whether each has it alone.
type rivals struct {
	inside   atomic.Int32
	last     atomic.Uint64 // token
	overlaps atomic.Int64
	backward atomic.Int64
	grants   atomic.Int64
}

// run has some rivals of one store go on until ctx ends.
func (v *rivals) run(ctx context.Context, all *sync.WaitGroup, s driver.Store, n int) {
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				v.once(ctx, s)
			}
		})
	}
}

func (v *rivals) once(ctx context.Context, s driver.Store) {
	r := brief("contended")
	g, err := s.(driver.Waiter).Acquire(ctx, r)
	if err != nil {
		return // what it may have been granted the driver gives back
	}
	v.grants.Add(1)
	if v.inside.Add(1) != 1 {
		v.overlaps.Add(1)
	}
	if v.last.Swap(g.Token) >= g.Token {
		v.backward.Add(1)
	}
	<-time.After(time.Millisecond)
	v.inside.Add(-1)
	for range 50 {
		if err := s.Release(context.WithoutCancel(ctx), r); err == nil || errors.Is(err, driver.ErrNotHeld) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// handOvers passes a key between two stores that each wait for the other, and returns
// how long the slowest of some hand-overs took.
func handOvers(t *testing.T, one, two driver.Store, key string) (slowest time.Duration) {
	t.Helper()
	r := requests.Ask(key, time.Minute)
	requests.Soon(t, "the master serves", func() bool { _, err := one.TryAcquire(t.Context(), r); return err == nil })
	for range 5 {
		w := requests.Wait(t, two, requests.Ask(key, time.Minute))
		queued(t, one, key, 1)
		began := time.Now()
		requests.GiveBack(t, one, r)
		w.Granted(t, 5*time.Second)
		slowest = max(slowest, w.At.Sub(began))
		r, one, two = w.Request, two, one
	}
	requests.GiveBack(t, one, r)
	return slowest
}

// The address stays, ordinary connections go to the new master, and the subscription's
// stays on the old one, which goes on publishing there what it hears of the new one.
func TestAnOrderlyFailoverBehindOneAddressExcludes(t *testing.T) {
	for _, version := range servers.Versions(t, "redis") {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := startPair(t, version)
			ctx, stop := context.WithCancel(t.Context())
			var all sync.WaitGroup
			var v rivals
			for range 3 {
				v.run(ctx, &all, open(t, p.link.URL), 3)
			}
			one, two := open(t, p.link.URL), open(t, p.link.URL) // which do nothing meanwhile
			<-time.After(500 * time.Millisecond)
			for i, later := range []time.Duration{0, 300 * time.Millisecond, 0} { // there, back and there
				before := v.grants.Load()
				p.failOver(later)
				p.listenSoon(3, 1500*time.Millisecond)
				if took := handOvers(t, one, two, fmt.Sprint("passed", i)); took > 500*time.Millisecond {
					t.Errorf("after failover %d a waiter is woken after %v", i+1, took)
				}
				p.listenSoon(5, 5*time.Second)
				<-time.After(time.Second)
				if n := v.grants.Load() - before; n < 30 {
					t.Errorf("after failover %d there were %d grants", i+1, n)
				}
			}
			stop()
			all.Wait()
			if n := v.overlaps.Load(); n != 0 {
				t.Errorf("%d of %d grants began while another held the key", n, v.grants.Load())
			}
			if n := v.backward.Load(); n != 0 {
				t.Errorf("%d of %d tokens were not larger than the one before", n, v.grants.Load())
			}
		})
	}
}
