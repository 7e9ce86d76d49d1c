package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// groupAttributes puts a program into a process group of its own. It is killed
// when this process is, since the lock is free then: the program itself, not
// what it started.
func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// adopt makes this process the parent of what the program leaves behind, so
// that it learns when that has ended. Otherwise the first process of the
// machine, or of the container, would, and some are slow to collect the dead.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }
