package redis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	driverredis "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

const secret = "s3cret-passw0rd"

// refuses opens a URL that is to be refused.
func refuses(t *testing.T, raw string, want error, says string) {
	t.Helper()
	requests.Clean(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := openURL(ctx, raw)
	if err == nil {
		_ = s.Close()
		t.Fatalf("%s was opened, want %v", raw, want)
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %v with %q", raw, err, want, says)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("%q shows the password", err)
	}
}

func TestAWrongAddressIsUnavailable(t *testing.T) {
	refuses(t, "redis://user:"+secret+"@127.0.0.1:"+freePort(t), driver.ErrUnavailable, "nothing answers there")
	refuses(t, "redis+unix://user:"+secret+"@/nowhere/redis.sock", driver.ErrUnavailable, "nothing answers there")
	refuses(t, "redis://user:"+secret+"@no-such-host.invalid", driver.ErrUnavailable, "nothing answers there")
}

func TestAWrongPasswordIsUnavailable(t *testing.T) {
	srv := start(t, "--requirepass", "right")
	refuses(t, "redis://:"+secret+"@"+srv.addr(), driver.ErrUnavailable, "password in the URL is wrong")
	refuses(t, "redis://"+srv.addr(), driver.ErrUnavailable, "wants a password")
	s := open(t, "redis://:right@"+srv.addr())
	warm(t, s)
}

func TestTLSWhereThereIsNoneIsUnavailable(t *testing.T) {
	srv := start(t)
	refuses(t, "rediss://:"+secret+"@"+srv.addr(), driver.ErrUnavailable, "TLS")
}

func TestAReplicaIsUnfit(t *testing.T) {
	master := start(t)
	replica := start(t, "--replicaof", "127.0.0.1 "+master.port)
	requests.Soon(t, "the replica is in step", func() bool {
		info, err := replica.admin().Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	refuses(t, replica.url(), driver.ErrUnfit, "replica")
}

func TestASentinelIsUnfit(t *testing.T) {
	srv := startSentinel(t)
	refuses(t, srv.url(), driver.ErrUnfit, "master_name=")
}

func TestANodeOfAClusterIsUnfitAlone(t *testing.T) {
	srv := start(t, "--cluster-enabled", "yes", "--databases", "1")
	refuses(t, srv.url(), driver.ErrUnfit, "addr=")
}

func TestAServerWithoutScriptsIsUnfit(t *testing.T) {
	srv := start(t, "--rename-command", "EVAL", "", "--rename-command", "EVALSHA", "")
	refuses(t, srv.url(), driver.ErrUnfit, "scripts")
}

func TestAServerWithoutPubSubIsUnfit(t *testing.T) {
	srv := start(t, "--rename-command", "SUBSCRIBE", "")
	refuses(t, srv.url(), driver.ErrUnfit, "subscribe")
}

func TestARingIsUnfit(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer func() { _ = ring.Close() }()
	if _, err := driverredis.New(ring); !errors.Is(err, driver.ErrUnfit) {
		t.Errorf("New of a ring: %v, want ErrUnfit", err)
	}
	if _, err := driverredis.New(nil); !errors.Is(err, driver.ErrUnfit) {
		t.Errorf("New of nil: %v, want ErrUnfit", err)
	}
}

func TestAServerThatEvictsIsWarnedOf(t *testing.T) {
	for policy, warned := range map[string]bool{"allkeys-lru": true, "volatile-ttl": true, "noeviction": false} {
		srv := start(t, "--maxmemory", "100mb", "--maxmemory-policy", policy)
		warnings := open(t, srv.url()).(driver.Warner).Warnings()
		if (len(warnings) == 1 && strings.Contains(warnings[0].Error(), policy)) != warned || len(warnings) > 1 {
			t.Errorf("with %s the warnings are %v", policy, warnings)
		}
	}
	if w := open(t, start(t, "--maxmemory-policy", "allkeys-lru").url()).(driver.Warner).Warnings(); len(w) != 0 {
		t.Errorf("without maxmemory nothing is evicted, but the warnings are %v", w)
	}
}

// What the document lists, for a user who locks keys of one prefix only.
const (
	aclCommands = "+evalsha +eval +get +getrange +set +setrange +append +del +hget +hset +hdel +hgetall +pexpire +persist +time +publish +pubsub|numsub +subscribe +unsubscribe +ping +hello"
	aclKeys     = "~lk:{??}:billing:* ~lk:probe &lk:in:*"
)

func aclUser(t *testing.T, srv *server, rules string) string {
	t.Helper()
	args := []any{"acl", "setuser", "lock", "reset", "on", ">" + secret}
	for rule := range strings.FieldsSeq(rules) {
		args = append(args, rule)
	}
	check(t, srv.admin().Do(t.Context(), args...).Err())
	return "redis://lock:" + secret + "@" + srv.addr()
}

// logsNothing checks that a server refused nobody anything.
func logsNothing(t *testing.T, srv *server) {
	t.Helper()
	if log := srv.admin().Do(t.Context(), "acl", "log").Val(); len(log.([]any)) != 0 {
		t.Errorf("the ACL LOG has %v", log)
	}
}

func TestTheSmallestACLSuffices(t *testing.T) {
	for _, version := range servers.Versions(t, "redis") {
		t.Run(version, func(t *testing.T) { aclSuffices(t, launch(t, version)) })
	}
}

func aclSuffices(t *testing.T, srv *server) {
	t.Helper()
	raw := aclUser(t, srv, aclCommands+" "+aclKeys)
	one, two := open(t, raw), open(t, raw)
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(1)} {
		r := requests.In(mode, requests.Ask("billing:"+mode.String(), time.Minute))
		requests.Take(t, one, r)
		if _, err := one.Extend(t.Context(), r); err != nil {
			t.Errorf("Extend: %v", err)
		}
		w := requests.Wait(t, two, requests.Ask(r.Key, time.Minute))
		queued(t, one, r.Key, 1)
		requests.GiveBack(t, one, r)
		w.Granted(t, 500*time.Millisecond)
		lost := make(chan driver.Loss, 1)
		stop := two.(driver.Notifier).NotifyLost(func(l driver.Loss) { lost <- l })
		if _, err := one.(driver.Inspector).Break(t.Context(), r.Key); err != nil {
			t.Errorf("Break: %v", err)
		}
		<-lost
		stop()
		kept := requests.In(mode, requests.Ask(r.Key, driver.Forever))
		requests.Take(t, one, kept)
		kept.Lease = time.Millisecond
		if err := one.(driver.Keeper).Keep(t.Context(), kept); err != nil {
			t.Errorf("Keep: %v", err)
		}
	}
	logsNothing(t, srv)
	_, err := one.TryAcquire(t.Context(), requests.Ask("other", time.Minute))
	if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "ACL") {
		t.Errorf("a key of another prefix: %v, want ErrUnavailable that names the ACL", err)
	}
}

func TestTheACLForMore(t *testing.T) {
	srv := start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	raw := aclUser(t, srv, aclCommands+" +select +scan +info "+aclKeys)
	s := open(t, raw+"/1")
	requests.Take(t, s, requests.Ask("billing:1", time.Minute))
	found := 0
	for _, err := range s.(driver.Inspector).List(t.Context(), "billing:") {
		check(t, err)
		found++
	}
	if found != 1 {
		t.Errorf("%d locks are listed, want 1", found)
	}
	if w := s.(driver.Warner).Warnings(); len(w) != 1 {
		t.Errorf("with INFO the warnings are %v, want one", w)
	}
	logsNothing(t, srv)
	less := open(t, aclUser(t, srv, aclCommands+" "+aclKeys))
	for _, err := range less.(driver.Inspector).List(t.Context(), "billing:") {
		if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "scan") {
			t.Errorf("List without SCAN: %v, want an error that names it", err)
		}
	}
}

func TestEachCommandOfTheACLIsNeeded(t *testing.T) {
	srv := start(t)
	for name := range strings.FieldsSeq(strings.ReplaceAll(aclCommands, "+", "")) {
		switch name {
		case "hello", "unsubscribe", "ping", "evalsha": // needed later, or for better messages
			continue
		}
		for _, keys := range []string{"~* &*", aclKeys, "~lk:{??}:billing:* &lk:in:*"} {
			raw := aclUser(t, srv, strings.Replace(aclCommands, "+"+name+" ", "", 1)+" "+keys)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			s, err := openURL(ctx, raw)
			cancel()
			if err == nil {
				_ = s.Close()
				t.Errorf("without %s, on %s: opened", name, keys)
			} else if !errors.Is(err, driver.ErrUnfit) || !strings.Contains(strings.ToLower(err.Error()), name) {
				t.Errorf("without %s, on %s: %v, want ErrUnfit that names it", name, keys, err)
			}
		}
	}
}
