//go:build !unix

package main

// terminal reports none: not every console here knows how a line is redrawn.
func terminal(any) (width int, ok bool) { return 0, false }
