package postgres

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	roleEnv = "CONCURRENT_TEST_ROLE" // what a process is to do
	urlEnv  = "CONCURRENT_TEST_URL"
	keyEnv  = "CONCURRENT_TEST_KEY"
)

// A process is this test's program, run again in a role.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin interface{ Close() error }
}

// spawn runs a role, whose standard input is open as long as the test wants it
// to go on.
func spawn(t *testing.T, role, url, key string, more ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), append(more, roleEnv+"="+role, urlEnv+"="+url, keyEnv+"="+key)...)
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
	t.Cleanup(p.kill)
	return p
}

// hears reads the process's next line, which must be want.
func (p *process) hears(want string) {
	p.t.Helper()
	if !p.lines.Scan() || p.lines.Text() != want {
		p.t.Fatalf("the process said %q (%v), want %q", p.lines.Text(), p.lines.Err(), want)
	}
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// freeze stops the process, and returns when it stands still.
func (p *process) freeze() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
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

func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// play is a process's main function.
func play(role string) int {
	u, err := url.Parse(os.Getenv(urlEnv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s, err := openURL(context.Background(), u)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	r := ask(os.Getenv(keyEnv), 2*time.Second)
	switch role {
	case "holder": // holds until it is killed, and says so
		_, err = s.TryAcquire(context.Background(), r)
	case "waiter": // waits, then holds until it is killed
		r.Lease = time.Hour
		fmt.Println("waits")
		_, err = s.(driver.Waiter).Acquire(context.Background(), r)
	case "loop": // takes the key and gives it back until its input ends
		return loop(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("holds")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}

// loop takes the key again and again, tells how often when its input ends, and
// how long each hand-over took to come.
func loop(s driver.Store) int {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		stop()
	}()
	fmt.Println("waits")
	n := 0
	for ctx.Err() == nil {
		r := ask(os.Getenv(keyEnv), 10*time.Second)
		if _, err := s.(driver.Waiter).Acquire(ctx, r); err != nil {
			break
		}
		n++
		if err := s.Release(context.Background(), r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	fmt.Println(n)
	_ = s.Close()
	return 0
}
