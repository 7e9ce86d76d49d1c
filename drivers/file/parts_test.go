//go:build unix

package file

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/concurrent-go/concurrent/driver"
)

// The parts that other processes play.
const (
	partVar   = "CONCURRENT_FILE_TEST_PART"
	dirVar    = "CONCURRENT_FILE_TEST_DIR"
	agentPart = "agent" // does as it is told, one order a line
	churnPart = "churn" // takes, extends and releases without end
	openPart  = "open"  // opens the directory, no more
	countPart = "count" // counts in a shared file, under a lock
)

func play(part string) int {
	c, err := New(os.Getenv(dirVar))
	if err == nil {
		var s driver.Store
		if s, err = c.Open(context.Background()); err == nil {
			defer func() { _ = s.Close() }()
			switch part {
			case agentPart:
				err = agent(s.(*Store))
			case churnPart:
				err = churn(s)
			case countPart:
				err = count(s)
			case openPart:
			default:
				err = fmt.Errorf("no part %q", part)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, part+":", err)
		return 1
	}
	return 0
}

// An order is what an agent is to do, its report what came of it.
type order struct {
	Do      string
	Request driver.Request
	Limit   uint64 // for "limit": no file may grow beyond that
	Stuck   int    // for "enter": the state file to stay in
}

type report struct {
	Err      string
	Held     bool
	NotHeld  bool
	Unavail  bool
	Token    uint64
	At       int64 // the store's clock, when it was done
	CPU      int64 // ns of processor time that the process has used
	Lost     int   // how often NotifyLost called
	LostLast int64
}

func agent(s *Store) error {
	var lost, last int64
	losses := make(chan driver.Loss, 100)
	defer s.NotifyLost(func(l driver.Loss) { losses <- l })()
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			return err
		}
		var g driver.Grant
		var err error
		ctx := context.Background()
		switch o.Do {
		case "ready":
		case "try":
			g, err = s.TryAcquire(ctx, o.Request)
		case "wait":
			g, err = s.Acquire(ctx, o.Request)
		case "extend":
			_, err = s.Extend(ctx, o.Request)
		case "keep":
			err = s.Keep(ctx, o.Request)
		case "release":
			err = s.Release(ctx, o.Request)
		case "limit":
			err = unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: o.Limit, Max: unix.RLIM_INFINITY})
		case "enter":
			err = s.place.shards[o.Stuck].enter(ctx, nil)
		case "blind": // to the time: looks at nothing until it is called
			s.pace = time.Hour
		case "lost":
			select {
			case <-losses:
				lost++
				last = bootTime()
			case <-time.After(10 * time.Second):
			}
		default:
			err = fmt.Errorf("no order %q", o.Do)
		}
		r := report{Token: g.Token, At: bootTime(), Lost: int(lost), LostLast: last}
		var ru unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
			return err
		}
		r.CPU = ru.Utime.Nano() + ru.Stime.Nano()
		if err != nil {
			r.Err, r.Held, r.NotHeld = err.Error(), errors.Is(err, driver.ErrHeld), errors.Is(err, driver.ErrNotHeld)
			r.Unavail = errors.Is(err, driver.ErrUnavailable)
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return in.Err()
}

// A process is a copy of the test binary that plays a part.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func part(name, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), partVar+"="+name, dirVar+"="+dir)
	return cmd
}

func start(t testing.TB, name, dir string) *process {
	t.Helper()
	cmd := part(name, dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			p.kill()
		}
	})
	return p
}

func startAgent(t testing.TB, dir string) *process {
	t.Helper()
	p := start(t, agentPart, dir)
	if r := p.order(order{Do: "ready"}); r.Err != "" {
		t.Fatal(r.Err)
	}
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// end lets the process close its store and end by itself.
func (p *process) end() {
	p.t.Helper()
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("process: %v", err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	if s == syscall.SIGSTOP {
		p.stopped()
	}
}

// stopped waits until the kernel has stopped the process.
func (p *process) stopped() {
	p.t.Helper()
	var ws unix.WaitStatus
	if _, err := unix.Wait4(p.cmd.Process.Pid, &ws, unix.WUNTRACED, nil); err != nil || !ws.Stopped() {
		p.t.Fatalf("process did not stop: %v, %v", ws, err)
	}
}

func (p *process) send(o order) {
	p.t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) report() (r report) {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &r)
	}
	if err != nil {
		p.t.Fatalf("process reports %q: %v", strings.TrimSpace(line), err)
	}
	return r
}

func (p *process) order(o order) report {
	p.t.Helper()
	p.send(o)
	return p.report()
}

// must is order, for what has to succeed.
func (p *process) must(do string, r driver.Request) report {
	p.t.Helper()
	rep := p.order(order{Do: do, Request: r})
	if rep.Err != "" {
		p.t.Fatalf("%s: %s", do, rep.Err)
	}
	return rep
}
