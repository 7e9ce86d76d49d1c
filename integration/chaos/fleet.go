package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// A fleet is the processes of a round. A process that dies is started again.
type fleet struct {
	harness *Harness
	place   *Place
	dir     string
	prefix  string
	seed    uint64
	out     *Recorder // the test's own

	mu     sync.Mutex
	ended  bool
	failed []error
	now    []*process // by number
	births int
	gone   sync.WaitGroup
}

// A process is one of them, until it dies.
type process struct {
	job    job
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr bytes.Buffer
	stop   context.CancelFunc // of one that is inside
}

func (f *fleet) start() error {
	f.now = make([]*process, processes)
	for n := range f.now {
		f.mu.Lock()
		err := f.spawn(n)
		f.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// spawn starts process number n. f.mu is held.
func (f *fleet) spawn(n int) error {
	p := &process{job: f.job(n)}
	f.now[n] = p
	if f.harness.Inside {
		f.inside(p)
		return nil
	}
	if err := f.launch(p); err != nil {
		return err
	}
	f.gone.Go(func() { f.wait(n, p) })
	return nil
}

// job is what process number n does if it is started now.
func (f *fleet) job(n int) job {
	f.births++
	name := fmt.Sprintf("%d.%d", n, f.births)
	lease, shortest := f.harness.terms()
	return job{
		Process: name, URL: f.place.URL(n), Prefix: f.prefix, Lease: lease, Shortest: shortest,
		Clients: clients, Seed: f.seed + uint64(f.births)<<32, Alone: !f.harness.Inside,
		History: filepath.Join(f.dir, name+".jsonl"), Resource: filepath.Join(f.dir, "resource"),
	}
}

// sweep sees, in another process, that every key can be had.
func (f *fleet) sweep() error {
	p := &process{job: f.job(0)}
	p.job.Sweep = true
	if f.harness.Inside {
		return p.job.sweep(context.Background())
	}
	if err := f.launch(p); err != nil {
		return err
	}
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, p.stderr.Bytes())
	}
	return nil
}

// inside runs p in this process.
func (f *fleet) inside(p *process) {
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	f.gone.Go(func() {
		if err := p.job.work(ctx); err != nil {
			f.fail(p, err)
		}
	})
}

// launch runs p. The program is named by the kernel's name for it: another user
// may not enter the folder that it is in.
func (f *fleet) launch(p *process) error {
	text, err := json.Marshal(p.job)
	if err != nil {
		return err
	}
	p.cmd = exec.Command("/proc/self/exe")
	p.cmd.Env = append(os.Environ(), jobEnv+"="+string(text))
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if f.harness.User != 0 {
		p.cmd.Dir = "/"
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: f.harness.User, Gid: f.harness.User}
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	return p.cmd.Start()
}

// wait sees p end, and starts another in its place if it was killed.
func (f *fleet) wait(n int, p *process) {
	err := p.cmd.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		status, _ := exit.Sys().(syscall.WaitStatus)
		if status.Signaled() && status.Signal() == syscall.SIGKILL {
			err = nil // by us, or by itself
		}
	}
	if err != nil {
		f.failed = append(f.failed, fmt.Errorf("process %s: %w\n%s", p.job.Process, err, p.stderr.Bytes()))
	}
	if !f.ended {
		if err := f.spawn(n); err != nil {
			f.failed = append(f.failed, err)
		}
	}
}

func (f *fleet) fail(p *process, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, fmt.Errorf("process %s: %w", p.job.Process, err))
}

// process returns what process number n is now.
func (f *fleet) process(n int) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now[n]
}

// kill ends process number n as nobody can prevent.
func (f *fleet) kill(n int) error {
	p := f.process(n)
	f.out.Put(Record{Op: Kill, Process: p.job.Process, Call: Now(), Result: "SIGKILL"})
	return ignoreGone(p.cmd.Process.Kill())
}

func (f *fleet) signal(n int, s syscall.Signal) error {
	p := f.process(n)
	return ignoreGone(p.cmd.Process.Signal(s))
}

// skew sets the wall clock of process number n, as it reads it, ahead or behind.
func (f *fleet) skew(n int, ahead time.Duration) error {
	p := f.process(n)
	if p.stdin == nil {
		clock.SkewWall(ahead) // for all that are inside
		return nil
	}
	_, err := fmt.Fprintln(p.stdin, ahead)
	return ignoreGone(err)
}

// ignoreGone is for a process that crashed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// stop has all processes end, and returns what went wrong with any of them. One
// that does not end is asked where it hangs.
func (f *fleet) stop() []error {
	f.mu.Lock()
	f.ended = true
	for _, p := range f.now {
		if p.stop != nil {
			p.stop()
		} else {
			_ = p.stdin.Close()
		}
	}
	f.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		f.gone.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(patience):
		for n := range f.now {
			_ = f.signal(n, syscall.SIGQUIT)
		}
		<-gone
	}
	return f.failed
}
