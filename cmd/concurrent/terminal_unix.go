//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminal returns the width of the terminal that stream is, and whether it is
// one.
func terminal(stream any) (width int, ok bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	if size.Col == 0 { // it does not know
		return 80, true
	}
	return int(size.Col), true
}
