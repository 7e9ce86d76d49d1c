//go:build !unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// A group is a program that was started. There are no process groups here:
// what the program started in turn is not ended with it.
type group struct {
	cmd     *exec.Cmd
	changes chan change
}

// A change is that the program ended.
type change struct {
	exited bool
	code   int
	signal syscall.Signal
}

func startGroup(cmd *exec.Cmd) (*group, error) {
	g := &group{cmd: cmd, changes: make(chan change, 1)}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		c := change{exited: true}
		if err := cmd.Wait(); err != nil {
			c.code = exitUnavailable
			if e, ok := errors.AsType[*exec.ExitError](err); ok {
				c.code = e.ExitCode()
			}
		}
		g.changes <- c
	}()
	return g, nil
}

// pass does nothing: what is typed on the console reaches the program without
// it.
func (g *group) pass(os.Signal) {}

// terminate is kill: a program can't be asked to end here.
func (g *group) terminate() { g.kill() }

func (g *group) kill() { _ = g.cmd.Process.Kill() }

func (g *group) resume() {}

func (g *group) gone() bool { return true } // asked once the program has ended

func (g *group) close() {}

func (g *group) stopped(syscall.Signal) bool { return false }

func (g *group) hadTerminal() bool { return false }
