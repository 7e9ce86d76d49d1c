//go:build unix

package main

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestTryItShowsThePromisesAndLeavesNothing(t *testing.T) {
	h := newHome(t)
	p := h.start("try-it")
	_, said := p.quiet() // workers share the output: none is left
	p.wantEnd(0, "")
	for _, want := range []string{
		`5 processes share one lock`,
		`worker \d  got the lock; token \d{15,}\n`,
		`worker \d  is killed while it holds the lock\n`,
		`worker \d  got the lock \d+ms after worker \d was killed; token \d+\n`,
		`worker \d  is frozen while it holds the lock`,
		`worker \d  got the lock (1\.9|2|2\.\d+)\d*s after worker \d was frozen; token \d+\n`,
		`worker \d  learns that it lost the lock`,
		`\d+ turns, never two at once, and every token larger than the one before`,
	} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("it does not say %q", want)
		}
	}
	if m := regexp.MustCompile(`(worker \d)  is killed`).FindStringSubmatchIndex(said); m != nil {
		if strings.Contains(said[m[1]:], said[m[2]:m[3]]+"  ") {
			t.Error("the worker that was killed goes on")
		}
	}
	if strings.Contains(said, "\x1b") {
		t.Error("it draws where no terminal is")
	}
	if t.Failed() {
		t.Logf("it said:\n%s\nstderr: %s", said, p.complaints())
	}
	wantEmpty(t, h.dir)
}

func TestTryItCanBeInterrupted(t *testing.T) {
	h := newHome(t)
	p := h.start("try-it")
	for line := ""; !strings.Contains(line, "got the lock"); {
		var err error
		if line, err = p.lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	p.signal(syscall.SIGTERM)
	p.quiet()
	p.wantEnd(exitSignal+int(syscall.SIGTERM), "")
	wantEmpty(t, h.dir)
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
