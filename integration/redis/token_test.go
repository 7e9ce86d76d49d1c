package redis

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// script returns a script of the driver that takes the time, in microseconds, as
// its last argument, in the place of the server's clock.
func script(t testing.TB, name string) *redis.Script {
	t.Helper()
	return redis.NewScript(include(t, name+".lua"))
}

func include(t testing.TB, name string) string {
	t.Helper()
	if name == "clock.lua" {
		return "local now = tonumber(ARGV[#ARGV])"
	}
	raw, err := os.ReadFile(filepath.Join("..", "..", "drivers", "redis", "internal", "script", "lua", name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	for i, line := range lines {
		if part, ok := strings.CutPrefix(line, "--#include "); ok {
			lines[i] = include(t, part)
		}
	}
	return strings.Join(lines, "\n")
}

// An atTime runs the scripts on one key at any time.
type atTime struct {
	t                *testing.T
	client           *redis.Client
	acquire, release *redis.Script
}

func (a *atTime) take(owner string, mode driver.Mode, lease time.Duration, now int64) int64 {
	a.t.Helper()
	micros := lease.Microseconds()
	reply, err := a.acquire.Run(a.t.Context(), a.client, []string{"lk:{00}:k"},
		"1", int(mode), micros, micros/1000+1000, "inbox0123456who", "", owner, "", now).Int64()
	if err != nil {
		a.t.Fatal(err)
	}
	return reply
}

func (a *atTime) giveBack(owner string, mode driver.Mode, now int64) {
	a.t.Helper()
	reply, err := a.release.Run(a.t.Context(), a.client, []string{"lk:{00}:k"}, "1", int(mode), owner, now).Int64()
	if err != nil || reply != 1 {
		a.t.Fatalf("release: %v, %v", reply, err)
	}
}

func TestTokensGrowAlthoughTheServersClockIsSetBack(t *testing.T) {
	srv := start(t)
	a := &atTime{t: t, client: srv.admin(), acquire: script(t, "acquire"), release: script(t, "release")}
	now := time.Now().UnixMicro()
	var last int64
	for i, back := range []time.Duration{0, time.Hour, 0, 24 * time.Hour, time.Second, 365 * 24 * time.Hour} {
		for j, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3), driver.Exclusive} {
			owner := fmt.Sprintf("o-%d-%d", i, j)
			token := a.take(owner, mode, time.Minute, now-back.Microseconds())
			if token <= last {
				t.Fatalf("with the clock set back by %v, in mode %v: token %d after %d", back, mode, token, last)
			}
			last = token
			a.giveBack(owner, mode, now-back.Microseconds())
		}
	}
}

// Row 25: whoever renews hears that the lease is another's.
func TestAServersClockThatJumpsAheadEndsLeasesEarly(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	first := requests.Take(t, s, r)
	key := named(t, srv.admin(), "k")
	acquire := script(t, "acquire")
	token, err := acquire.Run(t.Context(), srv.admin(), []string{key},
		"1", 0, time.Minute.Microseconds(), 61000, "inbox0123456who", "", "other", "", time.Now().Add(time.Hour).UnixMicro()).Int64()
	if err != nil {
		t.Fatalf("an hour later the key is not free: %v", err)
	}
	if uint64(token)<<10 <= first.Token+uint64(first.Spare) {
		t.Errorf("token %d after %d", uint64(token)<<10, first.Token)
	}
	if _, err := s.Extend(t.Context(), r); err == nil {
		t.Error("the first holder extended a lease that another has")
	}
}

func keys(t *testing.T, c *redis.Client) []string {
	t.Helper()
	names, err := c.Keys(t.Context(), "lk:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// named returns the Redis key of a lock.
func named(t *testing.T, c *redis.Client, key string) string {
	t.Helper()
	for _, name := range keys(t, c) {
		if strings.HasSuffix(name, "}:"+key) {
			return name
		}
	}
	t.Fatalf("%s is not locked", key)
	return ""
}

// Row 17.
func TestTokensGrowThroughTheLossOfTheData(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	var last uint64
	for name, lose := range map[string]func(){
		"FLUSHALL":       func() { check(t, srv.admin().FlushAll(t.Context()).Err()) },
		"SCRIPT FLUSH":   func() { check(t, srv.admin().ScriptFlush(t.Context()).Err()) },
		"a restart":      srv.restart,
		"nothing at all": func() {},
	} {
		r := requests.Ask("k", time.Minute)
		g := requests.Take(t, s, r)
		if g.Token <= last {
			t.Errorf("token %d after %d", g.Token, last)
		}
		last = g.Token + uint64(g.Spare)
		lose()
		_, err := s.Extend(t.Context(), r)
		kept := name == "nothing at all" || name == "SCRIPT FLUSH"
		if kept != (err == nil) {
			t.Errorf("after %s, Extend: %v", name, err)
		}
		if kept {
			requests.GiveBack(t, s, r)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingStaysBehind(t *testing.T) {
	srv := start(t, "--databases", "1") // a server looks for what expired in one after another
	s := open(t, srv.url())
	admin := srv.admin()
	requests.Soon(t, "the probe is gone", func() bool { return admin.DBSize(t.Context()).Val() == 0 })
	var group sync.WaitGroup
	for worker := range 64 {
		group.Go(func() {
			for i := range 50 {
				mode := []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2)}[i%3]
				r := requests.In(mode, requests.Ask(fmt.Sprint("k", worker, "-", i), time.Minute))
				if _, err := s.TryAcquire(t.Context(), r); err != nil {
					t.Error(err)
				}
				if err := s.Release(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for i := range 100 {
		requests.Take(t, s, requests.Ask(fmt.Sprint("ends", i), 10*time.Millisecond))
	}
	if n := admin.DBSize(t.Context()).Val(); n == 0 {
		t.Error("no token was kept for a second")
	}
	requests.Soon(t, "no key is left", func() bool { return admin.DBSize(t.Context()).Val() == 0 })
}
