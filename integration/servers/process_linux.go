package servers

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// started are the servers of this process, for Stop.
var started []*process

// A process is a server's program.
type process struct {
	cmd    *exec.Cmd
	folder string
	gone   chan struct{}
}

// run starts a program that dies with this process. The kernel sends the signal
// when the thread that started it ends, so that thread is kept.
func run(folder string, credential *syscall.Credential, name string, args ...string) error {
	log, err := os.Create(folder + ".log")
	if err != nil {
		return err
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: credential}
	p := &process{cmd: cmd, folder: folder, gone: make(chan struct{})}
	launched := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		defer close(p.gone)
		err := cmd.Start()
		launched <- err
		if err == nil {
			_ = cmd.Wait() // how it ended matters to nobody
		}
		_ = log.Close()
	}()
	if err := <-launched; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	started = append(started, p)
	return nil
}

// Stop ends every server that was started here, and removes what it left. A
// test binary calls it when its tests are over.
func Stop() {
	for _, p := range started {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.gone:
		case <-time.After(10 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.gone
		}
		_ = os.RemoveAll(p.folder)
		_ = os.Remove(p.folder + ".log")
	}
	started = nil
}
