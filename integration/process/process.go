// Package process runs a test's own program again, in a role that the test gives
// it: what a lock is worth shows between processes.
package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a process is told, in its environment.
const (
	RoleEnv = "CONCURRENT_TEST_ROLE" // what it is to do
	URLEnv  = "CONCURRENT_TEST_URL"
	KeyEnv  = "CONCURRENT_TEST_KEY"
)

// A Process is this test's program, run again in a role. It ends with the test.
type Process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.Closer
}

// Start runs a role, whose standard input is open as long as the test wants it to
// go on. more are further parts of its environment, name=value.
func Start(t *testing.T, role, url, key string, more ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), append(more, RoleEnv+"="+role, URLEnv+"="+url, KeyEnv+"="+key)...)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines, p.stdin = bufio.NewScanner(out), in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// Hears reads the process's next line, which must be want.
func (p *Process) Hears(want string) {
	p.t.Helper()
	if !p.lines.Scan() || p.lines.Text() != want {
		p.t.Fatalf("the process said %q (%v), want %q", p.lines.Text(), p.lines.Err(), want)
	}
}

// HearsNumber reads the process's next line, which must be a number.
func (p *Process) HearsNumber() int64 {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the process said nothing (%v)", p.lines.Err())
	}
	n, err := strconv.ParseInt(p.lines.Text(), 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// Signal sends a signal.
func (p *Process) Signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// Freeze stops the process, and returns when it stands still.
func (p *Process) Freeze() {
	p.t.Helper()
	p.Signal(syscall.SIGSTOP)
	for over := time.After(time.Minute); ; {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			p.t.Fatal(err)
		}
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "T") {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-over:
			p.t.Fatal("the process does not stop")
		}
	}
}

// End ends the process's input, which tells it to end.
func (p *Process) End() {
	p.t.Helper()
	if err := p.stdin.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// Kill kills the process, if it has not ended, and returns when it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// AwaitEnd returns when the test wants this process to end.
func AwaitEnd() { _, _ = os.Stdin.Read(make([]byte, 1)) }
