//go:build !unix

package main

import (
	"os"
	"os/signal"
)

var (
	endingSignals = []os.Signal{os.Interrupt}
	passedSignals []os.Signal
)

func catch(to chan<- os.Signal, sigs []os.Signal) {
	if len(sigs) > 0 {
		signal.Notify(to, sigs...)
	}
}

func codeOfSignal(os.Signal) int { return exitSignal + 2 } // an interrupt

func (o outcome) interrupt() {}
