//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// A group is a program that was started in a process group of its own, and
// what it started in turn.
type group struct {
	id      int // of the program and of its group
	cmd     *exec.Cmd
	tty     *tty // nil: there is no terminal
	changes chan change
}

// A change is that the program ended, or was stopped by a signal.
type change struct {
	exited bool
	code   int // as a shell counts
	signal syscall.Signal
}

// startGroup starts cmd. If this process has the terminal to itself, the group
// gets it.
func startGroup(cmd *exec.Cmd) (*group, error) {
	g := &group{cmd: cmd, changes: make(chan change, 1)}
	cmd.SysProcAttr = groupAttributes()
	adopt()
	started := make(chan error, 1)
	go func() {
		// The program is killed with the thread that started it: see
		// groupAttributes.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			g.wait(cmd.Process.Pid)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	g.id = cmd.Process.Pid
	g.tty = openTTY()
	if g.tty.free(cmd.Stdin, cmd.Stdout) {
		g.tty.give(g.id) // what asked for it too early is stopped, and goes on: see tty.stopped
	}
	return g, nil
}

// wait tells of every change until the program has ended. It does not go
// through os/exec, which does not tell of a program that stops.
func (g *group) wait(id int) {
	for {
		var ws syscall.WaitStatus
		_, err := syscall.Wait4(id, &ws, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil: // somebody else took its status: it can't be told
			g.changes <- change{exited: true, code: exitUnavailable}
			return
		case ws.Stopped():
			g.changes <- change{signal: ws.StopSignal()}
		case ws.Signaled():
			g.changes <- change{exited: true, code: exitSignal + int(ws.Signal()), signal: ws.Signal()}
			return
		case ws.Exited():
			g.changes <- change{exited: true, code: ws.ExitStatus()}
			return
		}
	}
}

// send signals every process of the group.
func (g *group) send(sig syscall.Signal) error { return syscall.Kill(-g.id, sig) }

// pass hands a signal that this process got on to the group.
func (g *group) pass(sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok {
		_ = g.send(s) // who has ended needs no signal
	}
}

// terminate asks the group to end, also what is stopped of it.
func (g *group) terminate() {
	_ = g.send(syscall.SIGTERM)
	_ = g.send(syscall.SIGCONT)
}

// resume lets a stopped group go on.
func (g *group) resume() { _ = g.send(syscall.SIGCONT) }

// kill ends the group. It can't be refused.
func (g *group) kill() { _ = g.send(syscall.SIGKILL) }

// gone reports whether no process of the group is left. It is asked once the
// program itself has ended. It collects what it is the parent of by now.
func (g *group) gone() bool {
	for {
		if id, err := syscall.Wait4(-g.id, nil, syscall.WNOHANG, nil); id <= 0 && !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	return g.send(0) != nil
}

// close takes the terminal back and frees what os/exec holds for the program.
func (g *group) close() {
	g.tty.close(g.id)
	_ = g.cmd.Wait() // its status was read already, which is an error here
}

// stopped takes note that the program was stopped by sig, and reports whether
// it is to go on.
func (g *group) stopped(sig syscall.Signal) bool {
	return g.tty.stopped(g.id, sig)
}

// hadTerminal reports whether the group got the terminal at any time.
func (g *group) hadTerminal() bool { return g.tty.wasGiven() }
