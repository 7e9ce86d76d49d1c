package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// watched is a Redis whose replica takes over without what it was not told.
var watched = Harness{Name: "redis behind Sentinel", Start: func(t testing.TB, _ uint64) *Place { return startWatched(t) }}

// A pair is a master and its replica, and the Sentinels that watch them.
type pair struct {
	master, replica *servers.Server
	sentinels       []*servers.Server
}

func startWatched(t testing.TB) *Place {
	p := &pair{master: servers.NewRedis(t, "redis")}
	p.replica = servers.NewRedis(t, "redis", servers.Args("--replicaof", of(p.master), "--repl-diskless-sync-delay", "0"))
	const conf = "sentinel.conf"
	text := fmt.Sprintf("sentinel monitor main %s 2\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n", of(p.master))
	for range 3 {
		p.sentinels = append(p.sentinels, servers.NewRedis(t, "redis", servers.File(conf, text), servers.Args(conf, "--sentinel")))
	}
	if err := p.settled(); err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "redis", Host: p.sentinels[0].Addr(), Path: "/0", RawQuery: url.Values{
		"master_name": {"main"}, "addr": {p.sentinels[1].Addr(), p.sentinels[2].Addr()},
	}.Encode()}
	return &Place{
		URL:     func(int) string { return u.String() },
		Version: p.master.Kind,
		Faults: []Fault{
			{Name: "failover to a stale replica", On: "server", Breaks: true, Begin: p.deafen, End: p.failOver},
			{Name: "master frozen, then gone", On: "server", Breaks: true, Begin: p.freeze, End: p.bury},
		},
	}
}

// of is a server's address as Redis writes it.
func of(s *servers.Server) string {
	host, port, _ := net.SplitHostPort(s.Addr())
	return host + " " + port
}

// deafen has the replica hear no more of what the master grants.
func (p *pair) deafen() error {
	return errors.Join(pause(p.replica), p.ask(p.master, nil, "client", "kill", "type", "replica"))
}

// failOver has the master die, and the replica take its place.
func (p *pair) failOver() error {
	if err := errors.Join(p.master.Kill(), p.replica.Resume()); err != nil {
		return err
	}
	return p.swap()
}

// freeze has the master answer nobody.
func (p *pair) freeze() error { return pause(p.master) }

// bury has the replica take the frozen master's place: it would come back as one of
// two.
func (p *pair) bury() error {
	if err := p.master.Kill(); err != nil {
		return err
	}
	return p.swap()
}

// swap waits until the replica is the master, and has the other follow it: not
// earlier, or Sentinels that look for a master yet would find two.
func (p *pair) swap() error {
	err := p.until("the Sentinels name the replica", func() bool {
		return strings.Contains(p.info(p.replica), "role:master") && p.named(p.replica)
	})
	if err != nil {
		return err
	}
	p.master, p.replica = p.replica, p.master
	if err := p.replica.Restart(); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(p.master.Addr())
	if err := p.ask(p.replica, nil, "replicaof", host, port); err != nil {
		return err
	}
	return p.settled()
}

// settled waits until the Sentinels know each other and the replica, which is in
// step.
func (p *pair) settled() error {
	return p.until("all follow the master", func() bool {
		return p.named(p.master, "num-other-sentinels:2", "num-slaves:1") &&
			strings.Contains(p.info(p.replica), "master_link_status:up")
	})
}

// named reports whether every Sentinel says of the master that it is server, and
// more.
func (p *pair) named(server *servers.Server, more ...string) bool {
	_, port, _ := net.SplitHostPort(server.Addr())
	for _, s := range p.sentinels {
		var says any
		if err := p.ask(s, &says, "sentinel", "master", "main"); err != nil {
			return false
		}
		for _, word := range append(more, "flags:master", "port:"+port) {
			if !strings.Contains(fmt.Sprint(says), word) {
				return false
			}
		}
	}
	return true
}

func (p *pair) info(s *servers.Server) string {
	var says any
	_ = p.ask(s, &says, "info", "replication")
	return fmt.Sprint(says)
}

// ask sends a server one command.
func (p *pair) ask(s *servers.Server, says *any, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), MaxRetries: -1, ContextTimeoutEnabled: true})
	defer func() { _ = c.Close() }()
	v, err := c.Do(ctx, args...).Result()
	if says != nil {
		*says = v
	}
	return err
}

// until asks again and again: what it waits for is another process's.
func (p *pair) until(what string, f func() bool) error {
	for over := time.After(patience); !f(); {
		select {
		case <-over:
			return fmt.Errorf("not within %v: %s", patience, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
