package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

// What the process exits with. The numbers from 64 to 75 are those of
// sysexits.h, 126 and 127 those of shells.
const (
	exitNo          = 1 // the answer was no: a key to be broken was free, or try-it went wrong
	exitUsage       = 64
	exitUnavailable = 69
	exitLost        = 74
	exitHeld        = 75
	exitCantRun     = 126
	exitNotFound    = 127
	exitSignal      = 128 // and the signal's number
)

// A status is the error that only says what to exit with.
type status int

// Error says the status in words, for nobody: it is not printed.
func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// A failure is an error that knows what to exit with.
type failure struct {
	error
	code int
}

func (f failure) Unwrap() error { return f.error }

func badUsage(err error) error { return failure{err, exitUsage} }

// codeOf returns what to exit with because of err.
func codeOf(err error) int {
	if s, ok := errors.AsType[status](err); ok {
		return int(s)
	}
	if f, ok := errors.AsType[failure](err); ok {
		return f.code
	}
	if errors.Is(err, locks.ErrLockActive) {
		return exitHeld
	}
	if errors.Is(err, locks.ErrLockLost) {
		return exitLost
	}
	for _, usage := range []error{
		concurrent.ErrInvalidConfig, concurrent.ErrUnknownAlias, concurrent.ErrUnknownDriver,
		locks.ErrInvalidOption, locks.ErrInvalidRequest, locks.ErrUnsupported,
	} {
		if errors.Is(err, usage) {
			return exitUsage
		}
	}
	return exitUnavailable
}

// The streams are where the command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exit tells err, where there is something to tell, and returns what to exit
// with.
func (s *streams) exit(err error) int {
	if err == nil {
		return 0
	}
	if _, silent := errors.AsType[status](err); !silent {
		s.tell(err.Error())
	}
	return codeOf(err)
}

// tell writes one line for people.
func (s *streams) tell(text string) {
	fmt.Fprintf(s.err, "concurrent: %s\n", conceal(bare(text)))
}

// bare is a message without the names of the packages that it comes from.
func bare(text string) string {
	text = ": " + text
	for _, name := range []string{"concurrent", "locks", "driver", "file"} {
		text = strings.ReplaceAll(text, ": "+name+": ", ": ")
	}
	return text[2:]
}

// reason is what went wrong, without the operation and the key.
func reason(err error) string {
	if e, ok := errors.AsType[*locks.Error](err); ok {
		err = e.Err
	}
	return bare(err.Error())
}

var userinfo = regexp.MustCompile(`://[^\s"']*@`)

// conceal removes the user and the password of every URL in text. The library
// does so in its errors; this is for what else quotes the command line.
func conceal(text string) string { return userinfo.ReplaceAllString(text, "://***@") }
