package postgres

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"strconv"
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
	// leaseEnv is for how long a holder holds; a minute if it is not set.
	leaseEnv = "CONCURRENT_TEST_LEASE"
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

// says reads the process's next line, which must be a number.
func (p *process) says() int64 {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the process said nothing (%v)", p.lines.Err())
	}
	n, err := strconv.ParseInt(p.lines.Text(), 10, 64)
	check(p.t, err)
	return n
}

// play is a process's main function.
func play(role string) int {
	if err := act(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func act(role string) error {
	u, err := url.Parse(os.Getenv(urlEnv))
	if err != nil {
		return err
	}
	s, err := openURL(context.Background(), u)
	if err != nil {
		return err
	}
	key := os.Getenv(keyEnv)
	switch role {
	case "holder":
		err = holdOn(s, key)
	case "waiter": // waits, then holds until it is killed
		fmt.Println("waits")
		if _, err = s.(driver.Waiter).Acquire(context.Background(), ask(key, time.Hour)); err == nil {
			fmt.Println("holds")
			awaitEnd()
		}
	case "pairs":
		err = takePairs(s, strings.Split(key, ","))
	}
	return err
}

// takePairs takes two keys, one after the other, until its input ends, and says
// how often it had both. Of who does not get the second in time, the other gets
// the first.
func takePairs(s driver.Store, keys []string) error {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		awaitEnd()
		stop()
	}()
	fmt.Println("begins")
	had := 0
	for ctx.Err() == nil {
		both, err := takePair(ctx, s, keys)
		if err != nil {
			return err
		}
		if both {
			had++
		}
	}
	fmt.Println(had)
	return s.Close()
}

// takePair reports whether it had both keys.
func takePair(ctx context.Context, s driver.Store, keys []string) (bool, error) {
	first, second := ask(keys[0], 30*time.Second), ask(keys[1], 30*time.Second)
	if _, err := s.(driver.Waiter).Acquire(ctx, first); err != nil {
		return false, nil //nolint:nilerr // its time is over
	}
	patience, cancel := context.WithTimeout(ctx, time.Duration(1+rand.IntN(50))*time.Millisecond)
	defer cancel()
	_, err := s.(driver.Waiter).Acquire(patience, second)
	both := err == nil
	if both {
		if err := s.Release(context.Background(), second); err != nil {
			return false, err
		}
	}
	return both, s.Release(context.Background(), first)
}

// holdOn holds a key until the process is killed, and says until when it may,
// in microseconds.
func holdOn(s driver.Store, key string) error {
	lease := time.Minute
	if text := os.Getenv(leaseEnv); text != "" {
		var err error
		if lease, err = time.ParseDuration(text); err != nil {
			return err
		}
	}
	g, err := s.TryAcquire(context.Background(), ask(key, lease))
	if err != nil {
		return err
	}
	fmt.Println(g.Sent.Add(lease).UnixMicro())
	awaitEnd()
	return nil
}

// awaitEnd returns when the test wants the process to end.
func awaitEnd() { _, _ = os.Stdin.Read(make([]byte, 1)) }
