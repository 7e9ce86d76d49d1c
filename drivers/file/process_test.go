//go:build unix

package file

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestAKilledHoldersLockIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	long, endless := request("long", time.Hour), request("endless", driver.Forever)
	before := p.must("try", long).Token
	p.must("try", endless)
	if _, err := s.TryAcquire(t.Context(), request("long", time.Hour)); !errors.Is(err, driver.ErrHeld) {
		t.Fatalf("while the holder lives: %v, want ErrHeld", err)
	}
	p.kill()
	if g := acquire(t, s, request("long", time.Hour)); g.Token <= before+spare {
		t.Errorf("token %d after %d", g.Token, before)
	}
	acquire(t, s, request("endless", time.Hour))
}

func TestAWaiterGetsAKilledHoldersLock(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	p.must("try", request("k", time.Hour))
	got := make(chan error, 1)
	go func() {
		_, err := s.Acquire(t.Context(), request("k", time.Hour))
		got <- err
	}()
	waitFor(t, s, "k", 1)
	p.kill()
	select {
	case err := <-got:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the waiter did not learn in 5 s that the holder was killed")
	}
}

func TestAKeptKeyOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	r := request("k", time.Hour)
	p.must("try", r)
	p.must("keep", r)
	p.kill()
	if _, err := s.TryAcquire(t.Context(), request("k", time.Hour)); !errors.Is(err, driver.ErrHeld) {
		t.Fatalf("kept key: %v, want ErrHeld", err)
	}
}

func TestAFrozenHoldersLockIsFreeAfterItsLease(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	const lease = 700 * time.Millisecond
	r := request("k", lease)
	from := bootTime()
	got := p.must("try", r).At
	p.signal(syscall.SIGSTOP)
	if _, err := s.Acquire(t.Context(), request("k", time.Hour)); err != nil {
		t.Fatal(err)
	}
	at := bootTime()
	if d := time.Duration(at - from); d < lease {
		t.Errorf("free %v after it was asked for, its lease is %v", d, lease)
	}
	if d := time.Duration(at - got); d > lease+5*time.Second {
		t.Errorf("free %v after it was got, its lease is %v", d, lease)
	}
	p.signal(syscall.SIGCONT)
	if rep := p.order(order{Do: "extend", Request: r}); !rep.NotHeld {
		t.Errorf("holder extends after it was frozen: %q, want ErrNotHeld", rep.Err)
	}
	if rep := p.order(order{Do: "release", Request: r}); !rep.NotHeld {
		t.Errorf("holder releases after it was frozen: %q, want ErrNotHeld", rep.Err)
	}
	if info, err := s.Inspect(t.Context(), "k"); err != nil || len(info.Holders) != 1 {
		t.Errorf("the next holder is gone: %+v, %v", info, err)
	}
}

// The waiter's process looks by itself only once an hour: what wakes it is the
// release, in this process. How soon is measured by BenchmarkWake.
func TestAReleaseWakesAWaiterInAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	if rep := p.order(order{Do: "blind"}); rep.Err != "" {
		t.Fatal(rep.Err)
	}
	defer time.AfterFunc(20*time.Second, p.kill).Stop()
	for range 20 {
		wake(t, s, p)
	}
}

// wake has p wait for a key that s holds, releases it, and returns how long p
// took to get it.
func wake(t testing.TB, s *Store, p *process) time.Duration {
	t.Helper()
	r, q := request("k", time.Hour), request("k", time.Hour)
	acquire(t, s, r)
	p.send(order{Do: "wait", Request: q})
	waitFor(t, s, "k", 1)
	at := bootTime()
	if err := s.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	rep := p.report()
	if rep.Err != "" {
		t.Fatal(rep.Err)
	}
	p.must("release", q)
	return time.Duration(rep.At - at)
}

func TestWaitingDoesNotSpin(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	before := p.order(order{Do: "ready"})
	const lease = 800 * time.Millisecond
	acquire(t, s, request("k", lease))
	after := p.must("wait", request("k", time.Hour))
	used := time.Duration(after.CPU - before.CPU)
	t.Logf("%v of processor time in %v of waiting", used, lease)
	if used > lease/5 {
		t.Errorf("waiting for %v used %v of processor time", lease, used)
	}
}

// What somebody else wrote into the file of a living store makes its leases
// not look like those of a dead one.
func TestForeignContentKillsNobody(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	p.must("try", request("k", time.Hour))
	name := slotFile(dir, s.seat.slot+1)
	for _, content := range []string{"", "x", strings.Repeat("foreign ", 30)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.TryAcquire(t.Context(), request("k", time.Hour)); !errors.Is(err, driver.ErrHeld) {
			t.Errorf("%q in %s: %v, want ErrHeld", content, name, err)
		}
	}
	p.kill()
	acquire(t, s, request("k", time.Hour))
	openTest(t, dir) // takes the slot
}

func TestAFrozenWaiterIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	r := request("k", time.Hour)
	acquire(t, s, r)
	first := request("k", time.Hour)
	p.send(order{Do: "wait", Request: first})
	waitFor(t, s, "k", 1)
	p.signal(syscall.SIGSTOP)
	got := make(chan error, 1)
	second := request("k", time.Hour)
	go func() {
		_, err := s.Acquire(t.Context(), second)
		got <- err
	}()
	waitFor(t, s, "k", 2)
	if err := s.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGCONT)
	if err := s.Release(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if rep := p.report(); rep.Err != "" {
		t.Errorf("the waiter that was frozen: %s", rep.Err)
	}
}

func TestAKilledWaiterIsSkipped(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	r := request("k", time.Hour)
	acquire(t, s, r)
	p.send(order{Do: "wait", Request: request("k", time.Hour)})
	waitFor(t, s, "k", 1)
	p.kill()
	waitFor(t, s, "k", 0)
	if err := s.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	acquire(t, s, request("k", time.Hour))
}

func TestAProcessFrozenInAChangeStopsItsFilesKeysOnly(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	in, out := keyIn(3), keyIn(4)
	held := request(in, time.Hour)
	acquire(t, s, held)
	if rep := p.order(order{Do: "enter", Stuck: 3}); rep.Err != "" {
		t.Fatal(rep.Err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("why"))
	defer cancel()
	_, err := s.Extend(ctx, held)
	if !errors.Is(err, driver.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "lock-03") {
		t.Errorf("key of a stuck file: %v, want ErrUnavailable and the context's error, naming lock-03", err)
	}
	acquire(t, s, request(out, time.Hour))
	if info, err := s.Inspect(t.Context(), in); err != nil || len(info.Holders) != 1 {
		t.Errorf("looking at a stuck file: %+v, %v", info, err)
	}
	p.kill()
	if _, err := s.Extend(t.Context(), held); err != nil {
		t.Errorf("after the stuck process was killed: %v", err)
	}
}

func TestABrokenLeaseIsToldToItsHolderInAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	r := request("k", time.Hour)
	p.must("try", r)
	info, err := s.Break(t.Context(), "k")
	if err != nil || len(info.Holders) != 1 || info.Holders[0].Holder != r.Holder {
		t.Fatalf("Break: %+v, %v", info, err)
	}
	if rep := p.order(order{Do: "lost"}); rep.Lost != 1 {
		t.Error("the holder did not hear of it")
	}
	if rep := p.order(order{Do: "extend", Request: r}); !rep.NotHeld {
		t.Errorf("the holder extends: %q, want ErrNotHeld", rep.Err)
	}
}

func TestAFullDiskLeavesTheStateWhole(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s, p := openTest(t, dir), startAgent(t, dir)
	r := request("k", time.Hour)
	p.must("try", r)
	p.order(order{Do: "limit", Limit: 100})
	if rep := p.order(order{Do: "release", Request: r}); !rep.Unavail {
		t.Errorf("release without room: %q, want ErrUnavailable", rep.Err)
	}
	if rep := p.order(order{Do: "try", Request: request("k2", time.Hour)}); !rep.Unavail {
		t.Errorf("acquire without room: %q, want ErrUnavailable", rep.Err)
	}
	if _, err := s.TryAcquire(t.Context(), request("k", time.Hour)); !errors.Is(err, driver.ErrHeld) {
		t.Errorf("the key whose release failed: %v, want ErrHeld", err)
	}
	p.order(order{Do: "limit", Limit: 1 << 40})
	p.must("release", r)
	acquire(t, s, request("k", time.Hour))
}
