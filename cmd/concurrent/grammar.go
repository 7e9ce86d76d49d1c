package main

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
)

// The grammar is the command line as package kong reads it.
type grammar struct {
	Run     runCommand     `cmd:"" help:"Run a program while holding a lock."`
	List    listCommand    `cmd:"" help:"List the keys that are held."`
	Inspect inspectCommand `cmd:"" help:"Show who holds a key."`
	Break   breakCommand   `cmd:"" help:"End the leases on a key, whoever holds it."`
	TryIt   tryItCommand   `cmd:"" name:"try-it" help:"Watch five processes share a lock, for ten seconds."`
	Worker  workerCommand  `cmd:"" name:"try-it-worker" hidden:""`
}

const description = `Named locks for programs.

Exit status: that of the program that was run, 128 and the signal's number if a signal ended it; 75 the lock is held by another, 74 it was lost, 69 the store can't be used, 64 bad usage, 126 the program can't be run, 127 it was not found.`

// A subcommand is what the command line chose.
type subcommand interface {
	Run(s *streams) error
}

// parse returns what is to be done: nil if all was done, as by --help. An
// error is bad usage.
func parse(args []string, s *streams) (subcommand, error) {
	helped := false
	parser, err := kong.New(new(grammar),
		kong.Name("concurrent"), kong.Description(description),
		kong.Writers(s.out, s.err),
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return nil, nil
	case err != nil:
		return nil, badUsage(fmt.Errorf("%w; see concurrent --help", err))
	}
	chosen, ok := reflect.TypeAssert[subcommand](parsed.Selected().Target.Addr())
	if !ok {
		return nil, badUsage(fmt.Errorf("%s needs a command of its own", parsed.Command()))
	}
	return chosen, nil
}
