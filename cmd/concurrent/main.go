// Command concurrent runs programs under named locks, and shows and breaks
// locks. docs/command.md says what it promises.
package main

import (
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command: it returns what the process exits with. Streams
// that are files are handed to programs as they are.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &streams{in: stdin, out: stdout, err: stderr}
	chosen, err := parse(args, s)
	if chosen == nil || err != nil {
		return s.exit(err)
	}
	return s.exit(chosen.Run(s))
}
