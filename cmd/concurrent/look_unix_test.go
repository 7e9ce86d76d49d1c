//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHeldKeysAreShown(t *testing.T) {
	h := newHome(t)
	var held []*process
	for _, key := range []string{"b:2", "a:1", "b:1"} {
		p := h.start("run", key, "--label", "job "+key, "--", "sh", "-c", "echo ready; read x")
		p.says("ready")
		held = append(held, p)
	}
	r := h.run("", "list")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "KEY ") || !strings.HasPrefix(lines[1], "a:1 ") ||
		!strings.HasPrefix(lines[2], "b:1 ") || !strings.Contains(lines[3], " job b:2 ") {
		t.Errorf("list: %+v", r)
	}
	if r := h.run("", "list", "b:"); strings.Contains(r.out, "a:1") || strings.Count(r.out, "job b:") != 2 {
		t.Errorf("list b: %+v", r)
	}
	var keys []keyJSON
	if err := json.Unmarshal([]byte(h.run("", "list", "--json", "a").out), &keys); err != nil || len(keys) != 1 {
		t.Fatalf("list --json a: %v, %+v", err, keys)
	}
	k, pid := keys[0], held[1].cmd.Process.Pid
	if k.Key != "a:1" || len(k.Holders) != 1 || k.Holders[0].PID != pid || k.Holders[0].Label != "job a:1" ||
		k.Holders[0].Token == 0 || time.Until(*k.Holders[0].Until) > 30*time.Second || time.Since(*k.Holders[0].Since) > time.Minute {
		t.Errorf("list --json a: %+v", k)
	}
	h.run("", "inspect", "a:1").want(t, 0, fmt.Sprint(pid))
	h.run("", "inspect", "a:2").want(t, 0, "free")
	h.run("", "list", "--json", "c").want(t, 0, "[]")
}

func TestBreakAsksAndSaysWhomItBroke(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--label", "the job", "--", "sh", "-c", "echo ready; read x")
	p.says("ready")
	for _, no := range []string{"", "n\n", "\n", "yesterday\n"} {
		h.run(no, "break", "k").want(t, exitNo, "nothing was broken")
	}
	h.run("", "inspect", "k").want(t, 0, "the job")
	pid := p.cmd.Process.Pid
	r := h.run("y\n", "break", "k")
	r.want(t, 0, fmt.Sprintf(`broke "k", held by the job, pid %d on `, pid))
	if !strings.Contains(r.errors, fmt.Sprintf(`"k" is held by the job, pid %d on `, pid)) {
		t.Errorf("it asked %q, want who holds the key", r.errors)
	}
	p.wantEnd(exitLost, "broken")
	h.run("", "break", "k").want(t, exitNo, "nobody holds")
	h.run("", "break", "k", "--yes").want(t, exitNo, "nobody holds")
}

func TestBreakPrintsJSON(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--", "sh", "-c", "echo ready; read x")
	p.says("ready")
	var k keyJSON
	r := h.run("", "break", "k", "--yes", "--json")
	if err := json.Unmarshal([]byte(r.out), &k); err != nil || len(k.Holders) != 1 || k.Holders[0].PID != p.cmd.Process.Pid {
		t.Errorf("%v: %+v", err, r)
	}
}
