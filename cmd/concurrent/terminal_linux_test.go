package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

func TestAWaitOnATerminalShowsTheHolder(t *testing.T) {
	h := newHome(t)
	holder := h.start("run", "k", "--label", "the job", "--", "sh", "-c", "echo ready; read x")
	holder.says("ready")
	k := onTerminal(t, h.command("run", "k", "--wait", "forever", "--", "echo", "ran"))
	k.shows(`waiting for "k", `)
	k.shows(" so far: ")
	k.shows(fmt.Sprintf("held by the job, pid %d on ", holder.cmd.Process.Pid))
	k.shows(" since ")
	k.shows("\r" + `waiting for "k", 1s so far`)
	_ = holder.input.Close()
	if drawn := k.shows("ran"); strings.Contains(drawn, "\n") || !strings.HasSuffix(drawn, "\r\x1b[K") {
		t.Errorf("the line was not redrawn and erased: %q", drawn)
	}
}

// An interactive shell, in which c stands for the command.
func (h home) shell() *keyboard {
	h.t.Helper()
	cmd := h.command()
	cmd = withEnv(exec.CommandContext(h.t.Context(), "sh", "-i"), append(cmd.Env, "PS1=$ ", "ENV=", "c="+cmd.Path)...)
	k := onTerminal(h.t, cmd)
	k.shows("$ ")
	return k
}

func TestAProgramReadsTheTerminal(t *testing.T) {
	k := newHome(t).shell()
	k.types("$c run k -- sh -c 'echo rea\"\"dy; read x; echo got $x'\n")
	k.shows("ready")
	k.types("one\n")
	k.shows("got one")
	k.shows("$ ")
	// In a pipeline the program gets the terminal when it reads it.
	k.types("$c run k -- sh -c 'echo rea\"\"dy >&2; read x; echo got $x' | cat\n")
	k.shows("ready")
	k.types("two\n")
	k.shows("got two")
	k.shows("$ ")
	k.types("echo and $?\n")
	k.shows("and 0")
}

func TestAProgramIsInTheForegroundFromTheBeginning(t *testing.T) {
	k := newHome(t).shell()
	// The fifth field is the program's group, the eighth the one in the foreground.
	k.types("$c run k -- sh -c 'until read -r _ _ _ _ own _ _ front _ </proc/$$/stat; [ $own = $front ]; do :; done; echo fro\"\"nt'\n")
	k.shows("front")
	k.shows("$ ")
}

func TestCtrlCReachesTheProgram(t *testing.T) {
	k := newHome(t).shell()
	k.types("$c run k -- sh -c 'trap \"echo int; exit 5\" INT; echo rea\"\"dy; while :; do sleep 0.02; done'\n")
	k.shows("ready")
	k.types(ctrlC)
	k.shows("int")
	k.shows("$ ")
	k.types("echo status $?\n")
	k.shows("status 5")
	// A script ends with the program, as if it had called it itself.
	k.types("sh -c '$c run k -- sh -c \"echo rea\\\"\\\"dy; exec sleep 100\"; echo af\"\"ter'\n")
	k.shows("ready")
	k.types(ctrlC)
	if shown := k.shows("$ "); strings.Contains(shown, "after") {
		t.Errorf("the script went on: %q", shown)
	}
}

func TestCtrlZStopsTheProgramUntilFg(t *testing.T) {
	h := newHome(t)
	k := h.shell()
	k.types("$c run k -- sh -c 'echo rea\"\"dy; while read x; do echo got $x; done'\n")
	k.shows("ready")
	k.types("none\n")
	k.shows("got none") // it has the terminal, and is not stopped for having read it too early
	k.types(ctrlZ)
	k.shows("Stopped")
	k.shows("$ ")
	k.types("fg\n")
	k.types("one\n")
	k.shows("got one")
	k.types(ctrlZ)
	k.shows("Stopped")
	k.types("bg; echo back\"\"ground\n")
	k.shows("background")
	k.types("fg\n")
	k.types("two\n")
	k.shows("got two")
	k.types(ctrlC)
	k.shows("$ ")
	k.types("echo status $?\n")
	k.shows("status 130")
	h.run("", "inspect", "k").want(t, 0, "free")
}

func TestAProgramStoppedPastItsLeaseDoesNotGoOn(t *testing.T) {
	h := newHome(t)
	k := h.shell()
	// It starts nothing: a shell can't be stopped while it does.
	k.types("$c run k --expire 1s -- sh -c 'trap \"echo told\" TERM CONT; echo rea\"\"dy; while :; do :; done'\n")
	k.shows("ready")
	k.types(ctrlZ)
	k.shows("Stopped")
	k.shows("$ ")
	h.run("", "run", "k", "--wait", "forever", "--", "true").want(t, 0, "")
	k.types("fg\n")
	if shown := k.shows("the lock was lost"); strings.Contains(shown, "told\r") {
		t.Errorf("the program went on: %q", shown)
	}
	k.types("echo status $?\n")
	k.shows("status 74")
}
