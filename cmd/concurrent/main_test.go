package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// asCommand in the environment makes the test binary the command itself.
const asCommand = "CONCURRENT_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// A home is where the commands of one test have their default store and their
// temporary files.
type home struct {
	t   *testing.T
	dir string
}

func newHome(t *testing.T) home {
	t.Helper()
	t.Parallel()
	return home{t, t.TempDir()}
}

// command is the command, not started.
func (h home) command(args ...string) *exec.Cmd {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.CommandContext(h.t.Context(), self, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CONCURRENT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, asCommand+"=1", "XDG_RUNTIME_DIR="+h.dir, "TMPDIR="+h.dir,
		"GORACE=atexit_sleep_ms=0") // else each command ends a second late with -race
	return cmd
}

// A result is what a command that has ended left.
type result struct {
	code        int
	out, errors string
}

// run runs the command until its end, with input on its standard input.
func (h home) run(input string, args ...string) result {
	h.t.Helper()
	return finish(h.t, h.command(args...), input)
}

func finish(t *testing.T, cmd *exec.Cmd, input string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// want fails the test if r is not that status with that text somewhere in
// what was printed.
func (r result) want(t *testing.T, code int, text string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out+r.errors, text) {
		t.Errorf("exit status %d, want %d with %q\nstdout: %s\nstderr: %s", r.code, code, text, r.out, r.errors)
	}
}

func withEnv(cmd *exec.Cmd, vars ...string) *exec.Cmd {
	cmd.Env = append(cmd.Env, vars...)
	return cmd
}
