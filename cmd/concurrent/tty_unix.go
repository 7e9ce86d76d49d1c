//go:build unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A tty is the terminal that this process was started from. A terminal has one
// process group in its foreground: that one may read it and gets what Ctrl-C
// and Ctrl-Z send. Since the program has a group of its own, this process
// hands the terminal over and takes it back, as a shell does.
//
// A nil *tty is no terminal.
type tty struct {
	fd    int
	own   int // this process's group
	given bool
}

// openTTY opens the terminal, nil if there is none.
func openTTY() *tty {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	// Who takes the terminal from another group is stopped otherwise. The
	// program was started before and does not inherit this.
	signal.Ignore(syscall.SIGTTOU)
	return &tty{fd: fd, own: unix.Getpgrp()}
}

// free reports whether the terminal can be handed over from the beginning:
// this process is in the foreground, and no other in a pipeline needs it.
func (t *tty) free(stdin, stdout any) bool {
	if t == nil || t.foreground() != t.own {
		return false
	}
	_, in := terminal(stdin)
	_, out := terminal(stdout)
	return in && out
}

// foreground returns the group in the foreground, or 0.
func (t *tty) foreground() int {
	id, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return id
}

// give puts a group into the foreground.
func (t *tty) give(id int) {
	if unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, id) == nil {
		t.given = t.given || id != t.own
	}
}

// stopped deals with a program that was stopped by sig, and reports whether it
// is to go on. It may stop this process too, until the shell continues it.
func (t *tty) stopped(program int, sig syscall.Signal) bool {
	if t == nil || sig == syscall.SIGSTOP {
		return false // whoever stopped it lets it go on
	}
	asked := sig == syscall.SIGTTIN || sig == syscall.SIGTTOU
	front := t.foreground()
	switch {
	case asked && front == program: // it has got it meanwhile
		return true
	case asked:
		if !t.comeForward() {
			return false // in the background of no shell: it never gets the terminal
		}
		t.give(program)
		return true
	}
	if front == program {
		t.give(t.own)
	}
	if suspend(); t.foreground() == t.own && front == program {
		t.give(program)
	}
	return true
}

// comeForward stops this process until its shell puts it into the foreground,
// and reports whether it is there. Who reads in the background is stopped by the
// kernel, also who reads nothing: so there is no moment between a look at the
// terminal and the stop, in which the shell's fg would come to nothing.
func (t *tty) comeForward() bool {
	for t.foreground() != t.own {
		switch _, err := unix.Read(t.fd, nil); {
		case err == nil && t.foreground() != t.own:
			return suspend() // this kernel did not look
		case err != nil && !errors.Is(err, unix.EINTR):
			return false
		}
	}
	return true
}

// suspend stops this process and what its shell started with it, as Ctrl-Z
// would, and reports whether that happened: where no shell is there to let it
// go on, the kernel does not stop it.
//
// It is done with SIGTTIN, since Go does not bring back what SIGTSTP did
// before signal.Notify.
func suspend() bool {
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	defer signal.Stop(resumed)
	_ = syscall.Kill(0, syscall.SIGTTIN)
	select {
	case <-resumed:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

func (t *tty) wasGiven() bool { return t != nil && t.given }

// close takes the terminal back if the program, or a group that it made and
// left behind, still has it. In the background it is the shell's.
func (t *tty) close(program int) {
	if t == nil {
		return
	}
	if front := t.foreground(); t.given && (front == program || front > 0 && syscall.Kill(-front, 0) != nil) {
		t.give(t.own)
	}
	_ = unix.Close(t.fd)
}
