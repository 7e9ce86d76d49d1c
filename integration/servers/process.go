package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a server's program, which works in a folder.
type process struct {
	folder     string
	credential *syscall.Credential // nil: as this process
	command    []string

	cmd  *exec.Cmd
	gone chan struct{} // closed when it ended
}

var _ runner = (*process)(nil)

func newProcess(folder string, credential *syscall.Credential, command []string) *process {
	return &process{folder: folder, credential: credential, command: command}
}

// run starts the program. It dies with this process: the kernel sends the signal
// when the thread that started it ends, so that thread is kept.
func (p *process) run(context.Context) error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd, gone := exec.Command(p.command[0], p.command[1:]...), make(chan struct{})
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.folder, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: p.credential}
	launched := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		defer close(gone)
		err := cmd.Start()
		launched <- err
		if err == nil {
			_ = cmd.Wait() // how it ended matters to nobody
		}
		_ = log.Close()
	}()
	if err := <-launched; err != nil {
		return fmt.Errorf("start %s: %w", p.command[0], err)
	}
	p.cmd, p.gone = cmd, gone
	return nil
}

func (p *process) log() string { return p.folder + ".log" }

func (p *process) said() string {
	text, _ := os.ReadFile(p.log())
	return string(text[max(0, len(text)-2000):])
}

// kill ends the program and the processes that it started, which are sessions of
// their own in Postgres, and keep its memory and port until they notice.
func (p *process) kill(ctx context.Context) error {
	if p.cmd == nil {
		return nil
	}
	all := p.signal(syscall.SIGSTOP) // nobody who is found then starts or leaves another
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, pid := range all {
		for alive(pid) {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("process %d lives on: %w", pid, ctx.Err())
			}
		}
	}
	return p.ended(ctx)
}

// stop asks the program to end, which ends what it started.
func (p *process) stop(ctx context.Context) error {
	if p.cmd == nil || !p.running(ctx) {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.ended(ctx)
}

func (p *process) ended(ctx context.Context) error {
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) running(context.Context) bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

func (p *process) pause(context.Context) error {
	p.signal(syscall.SIGSTOP)
	return nil
}

func (p *process) resume(context.Context) error {
	p.signal(syscall.SIGCONT)
	return nil
}

func (p *process) remove(ctx context.Context) error {
	err := p.kill(ctx)
	_ = os.RemoveAll(p.folder)
	_ = os.Remove(p.log())
	return err
}

// signal signals the program and what it started, the starting ones first, until
// no more come, and returns them.
func (p *process) signal(sig syscall.Signal) []int {
	var all []int
	seen := make(map[int]bool)
	if !p.running(context.Background()) {
		return nil
	}
	for next := []int{p.cmd.Process.Pid}; len(next) > 0; {
		for _, pid := range next {
			seen[pid] = true
			_ = syscall.Kill(pid, sig)
		}
		all, next = append(all, next...), children(seen)
	}
	return all
}

// children are the processes whose parents are among those, and which are not
// themselves.
func children(of map[int]bool) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []int
	for _, path := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || of[pid] {
			continue
		}
		if fields := stat(pid); len(fields) > 1 {
			if parent, err := strconv.Atoi(fields[1]); err == nil && of[parent] {
				all = append(all, pid)
			}
		}
	}
	return all
}

// alive reports whether a process does anything: one that nobody waited for yet
// does not.
func alive(pid int) bool {
	fields := stat(pid)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// stat returns a process's state, its parent, and more (proc(5)); nothing if
// there is none.
func stat(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
	return strings.Fields(rest)
}
