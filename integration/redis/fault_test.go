package redis

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// registry has one alias, default, for a URL.
func registry(t *testing.T, raw string) *concurrent.Registry {
	t.Helper()
	r := concurrent.NewRegistry()
	check(t, r.Configure(concurrent.Aliases{"default": {URL: raw}}))
	t.Cleanup(func() { _ = r.Shutdown(t.Context()) })
	return r
}

// Rows 1 and 4.
func TestAKilledOrFrozenHoldersKeyIsFreeWhenItsLeaseEnds(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	for name, sig := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "frozen": syscall.SIGSTOP} {
		p := process.Start(t, "holder", srv.url(), name) // for a second
		p.Hears("holds")
		began := time.Now()
		p.Signal(sig)
		w := requests.Wait(t, s, requests.Ask(name, time.Minute))
		w.Granted(t, 10*time.Second)
		if took := w.At.Sub(began); took > 1500*time.Millisecond {
			t.Errorf("the key of a %s holder was free after %v, of a lease of one second", name, took)
		}
	}
}

// Row 13.
func TestACutShorterThanTheLeaseLosesNothing(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	r := registry(t, w.URL+"?read_timeout=500ms&dial_timeout=500ms")
	l := locks.Cache("default", "k", locks.WithRegistry(r), locks.WithKeepAlive(6*time.Second))
	check(t, l.Acquire(t.Context()))
	ctx := l.Context(t.Context())
	for range 2 {
		w.Cut(servers.Both)
		<-time.After(2500 * time.Millisecond)
		w.Heal()
		<-time.After(2 * time.Second)
	}
	if !l.Active() || ctx.Err() != nil {
		t.Fatalf("the lock was lost: %v", ctx.Err())
	}
	check(t, l.Release(t.Context()))
}

// Row 14.
func TestACutLongerThanTheLeaseEndsTheHolderBeforeTheServerDoes(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	r := registry(t, w.URL+"?read_timeout=500ms&dial_timeout=500ms")
	l := locks.Cache("default", "k", locks.WithRegistry(r), locks.WithKeepAlive(2*time.Second))
	check(t, l.Acquire(t.Context()))
	direct := open(t, srv.url())
	other := requests.Wait(t, direct, requests.Ask("k", time.Minute))
	queued(t, direct, "k", 1)
	w.Cut(servers.Both)
	ctx := l.Context(t.Context())
	select {
	case <-ctx.Done():
	case <-other.Done:
		t.Fatal("another has the key, and the holder's context goes on")
	}
	if l.Active() {
		t.Error("active after the end of its context")
	}
	other.Granted(t, 5*time.Second)
	w.Heal()
	if err := l.Release(t.Context()); !errors.Is(err, locks.ErrLockLost) {
		t.Errorf("Release: %v, want ErrLockLost", err)
	}
}

// Row 18.
func TestAServerThatForgetsItsScriptsIsToldThemAgain(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	admin := srv.admin()
	var rs []driver.Request
	for i := range 300 {
		r := requests.Ask(fmt.Sprint("k", i), time.Minute)
		if i%30 == 0 {
			check(t, admin.ScriptFlush(t.Context()).Err())
		}
		requests.Take(t, s, r)
		rs = append(rs, r)
	}
	check(t, admin.ScriptFlush(t.Context()).Err())
	if _, errs := s.(driver.Batcher).ExtendAll(t.Context(), rs); errs != nil {
		t.Errorf("ExtendAll: %v", errors.Join(errs...))
	}
	check(t, admin.ScriptFlush(t.Context()).Err())
	if info, err := s.(driver.Inspector).Break(t.Context(), "k0"); err != nil || len(info.Holders) != 1 {
		t.Errorf("Break: %+v, %v", info, err)
	}
	for _, r := range rs[1:] {
		requests.GiveBack(t, s, r)
	}
}

// fill has the server's memory be full.
func fill(t *testing.T, c *redis.Client) {
	t.Helper()
	check(t, c.ConfigSet(t.Context(), "maxmemory", "1mb").Err())
}

// Row 20.
func TestAFullServerRefusesNewLocksAndLeavesHoldersAlone(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	admin := srv.admin()
	var held []driver.Request
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2)} {
		r := requests.In(mode, requests.Ask(mode.String(), time.Minute))
		requests.Take(t, s, r)
		held = append(held, r)
	}
	kept := requests.Ask("kept", time.Minute)
	requests.Take(t, s, kept)
	fill(t, admin)
	_, err := s.TryAcquire(t.Context(), requests.Ask("new", time.Minute))
	if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "maxmemory") {
		t.Errorf("a new lock: %v, want ErrUnavailable that names maxmemory", err)
	}
	for _, r := range held {
		if _, err := s.Extend(t.Context(), r); err != nil {
			t.Errorf("Extend in mode %v: %v", r.Mode, err)
		}
		requests.GiveBack(t, s, r)
	}
	if err := s.(driver.Keeper).Keep(t.Context(), kept); err != nil {
		t.Errorf("Keep: %v", err)
	}
	if info, err := s.(driver.Inspector).Break(t.Context(), "kept"); err != nil || len(info.Holders) != 1 {
		t.Errorf("Break: %+v, %v", info, err)
	}
	check(t, admin.ConfigSet(t.Context(), "maxmemory", "0").Err())
	requests.Take(t, s, requests.Ask("new", time.Minute))
}

// Rows 17 and 19: what is gone is gone, and the next renewal finds out.
func TestAKeyThatTheServerRemovedIsLostAtTheNextRenewal(t *testing.T) {
	srv := start(t)
	r := registry(t, srv.url())
	l := locks.Cache("default", "k", locks.WithRegistry(r), locks.WithKeepAlive(3*time.Second))
	check(t, l.Acquire(t.Context()))
	ctx := l.Context(t.Context())
	check(t, srv.admin().Del(t.Context(), keys(t, srv.admin())...).Err())
	began := time.Now()
	<-ctx.Done()
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("lost after %v, of a renewal every second", took)
	}
	if err := l.Release(t.Context()); !errors.Is(err, locks.ErrLockLost) || !errors.Is(err, locks.ErrNotHeld) {
		t.Errorf("Release: %v, want ErrLockLost and ErrNotHeld", err)
	}
}

// Row 22: a server that says to come back later is asked later.
func TestAServerThatServesAgainSoonLosesNothing(t *testing.T) {
	master, srv := start(t), start(t)
	r := registry(t, srv.url())
	l := locks.Cache("default", "k", locks.WithRegistry(r), locks.WithKeepAlive(3*time.Second))
	check(t, l.Acquire(t.Context()))
	admin := srv.admin()
	s := open(t, srv.url())
	held := requests.Ask("held", time.Minute)
	requests.Take(t, s, held)
	// A server that is made a replica of one that does not answer keeps its
	// data and says READONLY.
	master.pause()
	check(t, admin.ReplicaOf(t.Context(), "127.0.0.1", master.port).Err())
	if _, err := s.TryAcquire(t.Context(), requests.Ask("new", time.Minute)); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "replica") {
		t.Errorf("TryAcquire on a replica: %v, want ErrUnavailable", err)
	}
	<-time.After(1200 * time.Millisecond) // a renewal falls into this time
	check(t, admin.ReplicaOf(t.Context(), "NO", "ONE").Err())
	<-time.After(2500 * time.Millisecond)
	if !l.Active() {
		t.Error("the lock was lost although the server served again in time")
	}
	requests.GiveBack(t, s, held)
	check(t, l.Release(t.Context()))
}

func TestAServerThatReadsItsDataIsUnavailableAndThenServes(t *testing.T) {
	srv := start(t, "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024", "--enable-debug-command", "yes")
	s := open(t, srv.url())
	held := requests.Ask("held", time.Minute)
	requests.Take(t, s, held)
	admin := srv.admin()
	pipe := admin.Pipeline()
	for i := range 400 {
		pipe.Set(t.Context(), fmt.Sprint("ballast", i), strings.Repeat("x", 100), 0)
	}
	_, err := pipe.Exec(t.Context())
	check(t, err)
	reload := make(chan error, 1)
	go func() { reload <- admin.Do(t.Context(), "debug", "reload").Err() }()
	requests.Soon(t, "the server is loading", func() bool {
		_, err := s.TryAcquire(t.Context(), requests.Ask("new", time.Minute))
		return errors.Is(err, driver.ErrUnavailable) && strings.Contains(err.Error(), "reading its data")
	})
	w := requests.Wait(t, s, requests.Ask("waits", time.Minute))
	w.Granted(t, 15*time.Second)
	check(t, <-reload)
	requests.GiveBack(t, s, held)
}

func TestAForeignKeyIsLeftAlone(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	admin := srv.admin()
	for name, make := range map[string]func(key string) error{
		"string": func(key string) error { return admin.Set(t.Context(), key, "theirs", 0).Err() },
		"list":   func(key string) error { return admin.RPush(t.Context(), key, "theirs").Err() },
		"set":    func(key string) error { return admin.SAdd(t.Context(), key, "theirs").Err() },
	} {
		r := requests.Ask(name, 50*time.Millisecond)
		requests.Take(t, s, r)
		key := named(t, admin, name)
		check(t, admin.Del(t.Context(), key).Err())
		check(t, make(key))
		for what, err := range map[string]error{
			"TryAcquire": second(s.TryAcquire(t.Context(), r)),
			"Shared":     second(s.TryAcquire(t.Context(), requests.In(driver.Shared, requests.Ask(name, time.Minute)))),
			"Extend":     second(s.Extend(t.Context(), r)),
			"Release":    s.Release(t.Context(), r),
			"Inspect":    second(s.(driver.Inspector).Inspect(t.Context(), name)),
			"Break":      second(s.(driver.Inspector).Break(t.Context(), name)),
		} {
			if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "another program") {
				t.Errorf("%s of a key that is a foreign %s: %v, want ErrUnavailable that says so", what, name, err)
			}
		}
		if n := admin.Exists(t.Context(), key).Val(); n != 1 {
			t.Errorf("the foreign %s is gone", name)
		}
		check(t, admin.Del(t.Context(), key).Err())
	}
}

func second[T any](_ T, err error) error { return err }

// An acquire that was cut off is not made again, a release is.
func TestAServerThatClosesInTheMiddleKeepsNothing(t *testing.T) {
	srv := start(t)
	w := srv.Link(t)
	s := open(t, w.URL)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			<-time.After(20 * time.Millisecond)
			w.Drop()
		}
	}()
	for i := 0; ; i++ {
		r := requests.Ask(fmt.Sprint("k", i), time.Minute)
		if _, err := s.TryAcquire(t.Context(), r); err == nil {
			requests.GiveBack(t, s, r)
		} else {
			unavailable(t, "TryAcquire", err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// go-redis would write a line for each dial that fails.
func TestNothingIsWrittenToStandardErrorInAnOutage(t *testing.T) {
	srv := start(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), process.RoleEnv+"=outage", process.URLEnv+"="+srv.url(), process.KeyEnv+"=k")
	var said bytes.Buffer
	cmd.Stderr = &said
	check(t, cmd.Start())
	requests.Soon(t, "it asks", func() bool { return len(keys(t, srv.admin())) == 1 })
	srv.kill()
	check(t, cmd.Wait())
	if said.Len() != 0 {
		t.Errorf("standard error has\n%s", said.String())
	}
}
