//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestRunEndsWithItsProgramsStatus(t *testing.T) {
	h := newHome(t)
	for script, code := range map[string]int{"exit 0": 0, "exit 7": 7, "exit 75": 75, "kill -9 $$": 137, "kill -TERM $$": 143} {
		h.run("", "run", "k", "--", "sh", "-c", script).want(t, code, "")
	}
}

func TestRunPassesStreamsThrough(t *testing.T) {
	h := newHome(t)
	r := h.run("in", "run", "k", "--", "sh", "-c", "cat; echo err >&2")
	if r.out != "in" || r.errors != "err\n" || r.code != 0 {
		t.Errorf("got %+v, want what the program read and wrote, and nothing else", r)
	}
}

func TestRunPassesArgumentsAsTheyAre(t *testing.T) {
	h := newHome(t)
	for _, args := range [][]string{
		{"run", "k", "--wait", "1s", "--", "printf", "%s\n", "a,b", "--", "--help", "${X}", ""},
		{"run", "k", "--wait=1s", "printf", "%s\n", "a,b", "--", "--help", "${X}", ""},
	} {
		h.run("", args...).want(t, 0, "a,b\n--\n--help\n${X}\n\n")
	}
}

func TestRunTellsTheProgramKeyAndToken(t *testing.T) {
	h := newHome(t)
	var tokens [2]uint64
	for i := range tokens {
		r := h.run("", "run", "a/key", "--", "sh", "-c", `echo "$CONCURRENT_KEY $CONCURRENT_TOKEN"`)
		if _, err := fmt.Sscanf(r.out, "a/key %d\n", &tokens[i]); err != nil {
			t.Fatalf("the program saw %q: %v", r.out, err)
		}
	}
	if tokens[0] == 0 || tokens[1] <= tokens[0] {
		t.Errorf("token %d, then %d: it must grow", tokens[0], tokens[1])
	}
}

// Each program makes a directory that must not be there, adds one to a number
// in a file, and removes the directory.
func TestRunKeepsProgramsApart(t *testing.T) {
	h := newHome(t)
	const runners, times = 4, 4
	inside, number := filepath.Join(h.dir, "inside"), filepath.Join(h.dir, "number")
	if err := os.WriteFile(number, []byte("0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `mkdir "$1" && read n <"$2" && sleep 0.01 && echo $((n+1)) >"$2" && rmdir "$1"`
	var running sync.WaitGroup
	for range runners {
		running.Go(func() {
			for range times {
				h.run("", "run", "k", "--wait", "forever", "--", "sh", "-c", script, "sh", inside, number).want(t, 0, "")
			}
		})
	}
	running.Wait()
	if b, _ := os.ReadFile(number); string(b) != fmt.Sprintln(runners*times) {
		t.Errorf("the number is %q after %d programs added one each", b, runners*times)
	}
}

func TestAHeldLockRunsNothing(t *testing.T) {
	h := newHome(t)
	holder := h.start("run", "k", "--", "sh", "-c", "echo ready; read x")
	holder.says("ready")
	ran := filepath.Join(h.dir, "ran")
	h.run("", "run", "k", "--", "touch", ran).want(t, exitHeld, "held by another")
	h.run("", "run", "k", "--wait", "200ms", "--", "touch", ran).want(t, exitHeld, "held by another")
	if _, err := os.Stat(ran); err == nil {
		t.Error("the program ran without the lock")
	}
	h.run("", "run", "another", "--", "touch", ran).want(t, 0, "")
}

func TestRunPassesSignals(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--", "sh", "-c", `
		for s in HUP INT QUIT USR1 USR2 ALRM WINCH; do trap "echo $s" $s; done
		trap 'echo TERM; exit 3' TERM
		echo ready
		while :; do sleep 0.02; done`)
	p.says("ready")
	for _, s := range []struct {
		sig  syscall.Signal
		name string
	}{
		{syscall.SIGHUP, "HUP"},
		{syscall.SIGINT, "INT"},
		{syscall.SIGQUIT, "QUIT"},
		{syscall.SIGUSR1, "USR1"},
		{syscall.SIGUSR2, "USR2"},
		{syscall.SIGALRM, "ALRM"},
		{syscall.SIGWINCH, "WINCH"},
		{syscall.SIGTERM, "TERM"},
	} {
		p.signal(s.sig)
		p.says(s.name)
	}
	p.wantEnd(3, "")
}

func TestIgnoredSignalsStayIgnored(t *testing.T) {
	h := newHome(t)
	cmd := h.command("run", "k", "--", "sh", "-c", "echo ready; kill -HUP $PPID; kill -HUP $$; echo alive")
	cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	finish(t, cmd, "").want(t, 0, "alive")
}

func TestASignalEndsTheWait(t *testing.T) {
	h := newHome(t)
	holder := h.start("run", "k", "--", "sh", "-c", "echo ready; read x")
	holder.says("ready")
	waiter := h.start("run", "k", "--wait", "forever", "--", "echo", "ran")
	until(t, func() bool { return strings.Contains(h.run("", "inspect", "k", "--json").out, `"waiters": 1`) })
	waiter.signal(syscall.SIGTERM)
	if _, said := waiter.quiet(); said != "" {
		t.Errorf("it ran: %q", said)
	}
	waiter.wantEnd(exitSignal+int(syscall.SIGTERM), "")
	h.run("", "inspect", "k", "--json").want(t, 0, `"waiters": 0`)
}

// until waits for something that another process does.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for began := time.Now(); !done(); {
		if time.Since(began) > 10*time.Second {
			t.Fatal("it did not happen in 10 s")
		}
	}
}

// The program ends; what it started in its group does not outlive the lock.
func TestNothingOfTheGroupOutlivesTheLock(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--", "sh", "-c", `
		sh -c 'trap "echo told; exit" TERM; echo ready; while :; do sleep 0.02; done' &
		read x; exit 4`)
	p.says("ready")
	_ = p.input.Close() // the program ends
	if _, said := p.quiet(); said != "told\n" {
		t.Errorf("what the program left behind said %q, want that it was told to end", said)
	}
	p.wantEnd(4, "")
}
