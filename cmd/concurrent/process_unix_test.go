//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a command that runs. Everything that it starts inherits its
// standard output, so that the end of that tells that all of them are gone.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	input  io.WriteCloser // open until the test ends, or closes it
	lines  *bufio.Reader
	output *os.File
	errors *os.File
}

// start starts the command.
func (h home) start(args ...string) *process {
	h.t.Helper()
	return startProcess(h.t, h.command(args...))
}

func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	output, mouth, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = mouth, errs
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = mouth.Close()
	p := &process{t: t, cmd: cmd, input: input, lines: bufio.NewReader(output), output: output, errors: errs}
	p.deadline(20 * time.Second)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = output.Close()
		_ = errs.Close()
	})
	return p
}

func (p *process) deadline(d time.Duration) {
	p.t.Helper()
	if err := p.output.SetReadDeadline(time.Now().Add(d)); err != nil {
		p.t.Fatal(err)
	}
}

// says reads one line of what p printed.
func (p *process) says(want string) {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if strings.TrimSpace(line) != want {
		p.t.Fatalf("it says %q (%v), want %q\nstderr: %s", line, err, want, p.complaints())
	}
}

// quiet reads until p and all that it started have ended, and returns when
// that was, with what they said.
func (p *process) quiet() (time.Time, string) {
	p.t.Helper()
	rest, err := io.ReadAll(p.lines)
	if err != nil {
		p.t.Fatalf("something still runs: %v\nstderr: %s", err, p.complaints())
	}
	return time.Now(), string(rest)
}

// hush is quiet in the background.
func (p *process) hush() <-chan time.Time {
	at := make(chan time.Time, 1)
	go func() {
		_, _ = io.Copy(io.Discard, p.lines) // ends in any case, at the deadline
		at <- time.Now()
	}()
	return at
}

// ends waits for p alone and returns its status.
func (p *process) ends() int {
	p.t.Helper()
	err := p.cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) complaints() string {
	b, _ := os.ReadFile(p.errors.Name())
	return string(b)
}

// wantEnd waits for p and fails if its status or what it complained of is
// another.
func (p *process) wantEnd(code int, text string) {
	p.t.Helper()
	if got := p.ends(); got != code || !strings.Contains(p.complaints(), text) {
		p.t.Errorf("exit status %d, want %d with %q; stderr: %s", got, code, text, p.complaints())
	}
}
