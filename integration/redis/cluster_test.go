package redis

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivertest"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// A cluster is three masters.
type cluster struct {
	t     *testing.T
	nodes []*server
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	for range 3 {
		c.nodes = append(c.nodes, start(t, "--cluster-enabled", "yes", "--databases", "1", "--cluster-node-timeout", "2000"))
	}
	const slots = 16384
	for i, n := range c.nodes {
		check(t, n.admin().ClusterAddSlotsRange(t.Context(), i*slots/3, (i+1)*slots/3-1).Err())
		check(t, n.admin().Do(t.Context(), "cluster", "set-config-epoch", i+1).Err())
		check(t, n.admin().ClusterMeet(t.Context(), "127.0.0.1", c.nodes[0].port).Err())
	}
	for _, n := range c.nodes {
		requests.Soon(t, "all nodes of the cluster are in step", func() bool {
			info := n.admin().ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return c
}

func (c *cluster) url() string {
	return fmt.Sprintf("redis://%s?addr=%s&addr=%s", c.nodes[0].addr(), c.nodes[1].addr(), c.nodes[2].addr())
}

func (c *cluster) flush() {
	c.t.Helper()
	for _, n := range c.nodes {
		check(c.t, n.admin().FlushAll(c.t.Context()).Err())
	}
}

// The suite. A cluster has one database, so the cases run one after another.
func TestConformanceOnACluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	drivertest.Run(t, drivertest.Harness{
		Cycles: 1000,
		AtOnce: 1,
		Lease:  200 * time.Millisecond,
		Backend: func(t *testing.T) func(context.Context) (driver.Store, error) {
			c.flush()
			return func(ctx context.Context) (driver.Store, error) { return openURL(ctx, c.url()) }
		},
	})
}

func TestLocksAreSpreadOverACluster(t *testing.T) {
	c := startCluster(t)
	s := open(t, c.url())
	for i := range 300 {
		requests.Take(t, s, requests.Ask(fmt.Sprint("k", i), time.Minute))
	}
	for _, n := range c.nodes {
		if size := n.admin().DBSize(t.Context()).Val(); size < 50 {
			t.Errorf("a node has %d of 300 locks", size)
		}
	}
	found := 0
	for _, err := range s.(driver.Inspector).List(t.Context(), "k") {
		check(t, err)
		found++
	}
	if found != 300 {
		t.Errorf("%d of 300 locks are listed", found)
	}
}

// Row 23: the keys of a slot move to another node while they are used.
func TestLocksGoOnWhileTheirSlotMoves(t *testing.T) {
	c := startCluster(t)
	s := open(t, c.url())
	const key = "moves"
	r := requests.Ask(key, time.Minute)
	g := requests.Take(t, s, r)
	from, name := c.holderOf(key)
	to := c.nodes[0]
	if to == from {
		to = c.nodes[1]
	}
	slot := from.admin().ClusterKeySlot(t.Context(), name).Val()
	w := requests.Wait(t, s, requests.Ask(key, time.Minute))
	queued(t, s, key, 1)
	use := func(when string) {
		t.Helper()
		if _, err := s.Extend(t.Context(), r); err != nil {
			t.Errorf("%s: Extend: %v", when, err)
		}
		if again, err := s.TryAcquire(t.Context(), r); err != nil || again.Token != g.Token {
			t.Errorf("%s: its owner is granted the key again with %d, %v, want token %d", when, again.Token, err, g.Token)
		}
	}
	state := func(n *server, what string, id string) {
		t.Helper()
		check(t, n.admin().Do(t.Context(), "cluster", "setslot", slot, what, id).Err())
	}
	state(to, "importing", id(t, from))
	state(from, "migrating", id(t, to))
	use("while the slot may move")
	check(t, from.admin().Migrate(t.Context(), "127.0.0.1", to.port, name, 0, 5*time.Second).Err())
	use("after the key moved, before the slot did")
	for _, n := range []*server{to, from, c.nodes[2]} {
		state(n, "node", id(t, to))
	}
	use("after the slot moved")
	requests.GiveBack(t, s, r)
	w.Granted(t, 5*time.Second)
	if w.Grant.Token <= g.Token+uint64(g.Spare) {
		t.Errorf("token %d after %d", w.Grant.Token, g.Token)
	}
}

func id(t *testing.T, n *server) string {
	t.Helper()
	id, err := n.admin().Do(t.Context(), "cluster", "myid").Text()
	check(t, err)
	return id
}

// holderOf returns the node that has a lock, and the lock's name there.
func (c *cluster) holderOf(key string) (*server, string) {
	c.t.Helper()
	for _, n := range c.nodes {
		for _, name := range keys(c.t, n.admin()) {
			if strings.HasSuffix(name, "}:"+key) {
				return n, name
			}
		}
	}
	c.t.Fatalf("no node has %s", key)
	return nil, ""
}

func TestTheACLForACluster(t *testing.T) {
	c := startCluster(t)
	for _, n := range c.nodes {
		aclUser(t, n, aclCommands+" +cluster|slots +command "+aclKeys)
	}
	s := open(t, strings.Replace(c.url(), "://", "://lock:"+secret+"@", 1))
	for i := range 30 {
		r := requests.Ask(fmt.Sprint("billing:", i), time.Minute)
		requests.Take(t, s, r)
		w := requests.Wait(t, s, requests.Ask(r.Key, time.Minute))
		queued(t, s, r.Key, 1)
		requests.GiveBack(t, s, r)
		w.Granted(t, 500*time.Millisecond)
	}
	for _, n := range c.nodes {
		logsNothing(t, n)
	}
}

// One node of three is frozen: the keys of the others are not.
func TestAFrozenNodeStopsItsOwnKeysOnly(t *testing.T) {
	c := startCluster(t)
	s := open(t, c.url()+"&read_timeout=500ms")
	var all []driver.Request
	for i := range 30 {
		r := requests.Ask(fmt.Sprint("k", i), time.Minute)
		requests.Take(t, s, r)
		all = append(all, r)
	}
	frozen, _ := c.holderOf("k0")

	var theirs, others []driver.Request
	for _, r := range all {
		if n, _ := c.holderOf(r.Key); n == frozen {
			theirs = append(theirs, r)
		} else {
			others = append(others, r)
		}
	}
	frozen.pause()
	resumed := make(chan error, 1)
	time.AfterFunc(1500*time.Millisecond, func() { resumed <- frozen.Resume() })
	for _, r := range others {
		began := time.Now()
		if _, err := s.Extend(t.Context(), r); err != nil {
			t.Errorf("Extend of a key of another node: %v", err)
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("Extend of a key of another node took %v", took)
		}
	}
	for _, r := range theirs {
		requests.Soon(t, "the node serves again", func() bool { _, err := s.Extend(t.Context(), r); return err == nil })
	}
	check(t, <-resumed)
}
