//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// stubborn ignores TERM, and so does the child that it starts.
const stubborn = `trap "" TERM; sh -c 'while :; do sleep 0.02; done' & echo ready; while :; do sleep 0.02; done`

func TestABrokenLockEndsTheProgram(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--", "sh", "-c", `trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.02; done`)
	p.says("ready")
	h.run("", "break", "k", "--yes").want(t, 0, "broke")
	p.says("told")
	p.wantEnd(exitLost, "the lock was lost")
}

func TestABrokenLockEndsTheWholeGroupByForce(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--expire", "2s", "--", "sh", "-c", stubborn)
	p.says("ready")
	began := time.Now()
	h.run("", "break", "k", "--yes").want(t, 0, "broke")
	at, _ := p.quiet()
	// A quarter of the lease is its grace.
	if took := at.Sub(began); took < 400*time.Millisecond || took > 2*time.Second {
		t.Errorf("killed %v after the break, want half a second of grace", took)
	}
	p.wantEnd(exitLost, "the lock was lost")
}

// The store is moved away, so that no renewal succeeds. What the lease was
// then can be read where it is now. The group is killed a twentieth of the lease
// before its end: more than it takes on a busy machine, and to be seen here.
func TestTheGroupEndsBeforeALeaseThatIsNotRenewed(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--expire", "6s", "--", "sh", "-c", stubborn)
	p.says("ready")
	moved := filepath.Join(h.dir, "moved")
	if err := os.Rename(filepath.Join(h.dir, "concurrent"), moved); err != nil {
		t.Fatal(err)
	}
	gone := p.hush()
	var seen keyJSON
	r := h.run("", "inspect", "k", "--json", "--url", fileURL(moved))
	if err := json.Unmarshal([]byte(r.out), &seen); err != nil || len(seen.Holders) != 1 {
		t.Fatalf("%v: %+v", err, r)
	}
	until, at := *seen.Holders[0].Until, <-gone
	if !at.Before(until) {
		t.Errorf("the group ended %v after its lease did", at.Sub(until))
	}
	if early := until.Sub(at); early > time.Second {
		t.Errorf("the group ended %v before its lease did: renewals had no time", early)
	}
	p.wantEnd(exitLost, "no renewal was confirmed")
}

func TestAProgramIsToldBeforeItIsKilled(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--expire", "1s", "--", "sh", "-c", `trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.02; done`)
	p.says("ready")
	if err := os.Rename(filepath.Join(h.dir, "concurrent"), filepath.Join(h.dir, "moved")); err != nil {
		t.Fatal(err)
	}
	p.says("told")
	p.wantEnd(exitLost, "no renewal was confirmed")
}

// A command that was frozen past its lease must not let its program go on.
func TestAFrozenCommandKillsItsProgramWhenItGoesOn(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--expire", "1s", "--", "sh", "-c", `trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.02; done`)
	p.says("ready")
	p.signal(syscall.SIGSTOP)
	h.run("", "run", "k", "--wait", "forever", "--", "true").want(t, 0, "")
	p.signal(syscall.SIGCONT)
	if _, said := p.quiet(); said != "" {
		t.Errorf("the program said %q: it was to be killed at once", said)
	}
	p.wantEnd(exitLost, "the lock was lost")
}

func TestALossThatIsSeenAtTheEndCounts(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--", "sh", "-c", "echo ready; read x; echo done")
	p.says("ready")
	p.signal(syscall.SIGSTOP)
	h.run("", "break", "k", "--yes").want(t, 0, "broke")
	_ = p.input.Close()
	p.says("done")
	p.signal(syscall.SIGCONT)
	p.wantEnd(exitLost, "the lock was lost")
}
