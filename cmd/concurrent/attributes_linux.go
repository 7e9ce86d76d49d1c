package main

import "syscall"

// groupAttributes puts a program into a process group of its own. It is killed
// when this process is, since the lock is free then: the program itself, not
// what it started.
func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
