//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

var (
	// endingSignals end this process while it waits for the lock.
	endingSignals = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}

	// passedSignals go to the program, with the former ones.
	passedSignals = []os.Signal{
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGTSTP,
	}
)

// catch has signals told, but those that are ignored: whoever started this
// process, such as nohup, wants the program to ignore them as well.
func catch(to chan<- os.Signal, sigs []os.Signal) {
	for _, sig := range sigs {
		if !signal.Ignored(sig) {
			signal.Notify(to, sig)
		}
	}
}

// codeOfSignal is the status of a process that a signal ended.
func codeOfSignal(sig os.Signal) int {
	if s, ok := sig.(syscall.Signal); ok {
		return exitSignal + int(s)
	}
	return exitSignal
}

// interrupt ends this process, and what runs with it, as the program was
// ended: by what was typed on a terminal that the program had to itself. A
// script that called this command ends with it, as it would have without.
func (o outcome) interrupt() {
	if o.terminal && (o.sig == syscall.SIGINT || o.sig == syscall.SIGQUIT) {
		signal.Reset(o.sig)
		_ = syscall.Kill(0, o.sig)
	}
}
