package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

// minExpire leaves a program some time to end before its lease does.
const minExpire = time.Second

type runCommand struct {
	Key string `arg:"" help:"The name of the lock."`
	storeFlags
	Wait    span     `placeholder:"DURATION" help:"How long to wait for a lock that is held, or forever. Default: not at all."`
	Expire  *span    `placeholder:"DURATION" help:"The length of the lease, at least 1s, or forever. It is renewed while the program runs, and what a killed or cut-off holder leaves behind lasts that long. Default: the store's, 30s."`
	Label   string   `placeholder:"TEXT" help:"What inspect shows of this holder. Default: the program's name."`
	Program []string `arg:"" passthrough:"partial" sep:"none" help:"The program and its arguments, after --."`
}

// Run takes the lock, runs the program under it, and returns its status. The
// program never runs without the lock.
func (c *runCommand) Run(s *streams) error {
	cmd, err := c.command(s)
	if err != nil {
		return err
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	at, err := c.open()
	if err != nil {
		return err
	}
	defer at.close()
	at.registry.Observe(warnings{s})

	lock := locks.Cache(at.alias, c.Key, append(options, at.option())...)
	signals := make(chan os.Signal, 8)
	catch(signals, endingSignals)
	defer signal.Stop(signals)
	if err := c.acquire(s, at, lock, signals); err != nil {
		return err
	}
	catch(signals, passedSignals)
	outcome, err := c.under(s, lock, cmd, signals)
	at.close()
	outcome.interrupt()
	return err
}

// under runs cmd under the lock, which it releases.
func (c *runCommand) under(s *streams, lock *locks.Lock, cmd *exec.Cmd, signals <-chan os.Signal) (outcome, error) {
	cmd.Env = append(os.Environ(),
		"CONCURRENT_KEY="+c.Key,
		"CONCURRENT_TOKEN="+strconv.FormatUint(lock.Token(), 10))
	var o outcome
	err := errTooLate
	if lock.Active() {
		o, err = supervise(lock, cmd, signals)
	}
	released := lock.Release(context.Background())
	switch {
	case errors.Is(err, errTooLate):
		return o, failure{err, exitLost}
	case err != nil: // it never ran
		return o, cantRun(err)
	case o.lost != nil:
		s.tell("the lock was lost, and the program was ended: " + reason(o.lost))
		return o, status(exitLost)
	case errors.Is(released, locks.ErrLockLost):
		s.tell("the lock was lost before the program ended: " + reason(released))
		return o, status(exitLost)
	case released != nil: // it ends by itself; the program did its work
		s.tell(released.Error())
	}
	if o.code == 0 {
		return o, nil
	}
	return o, status(o.code)
}

var errTooLate = errors.New("the lock was lost before the program was started")

// command finds the program, before anything else is done.
func (c *runCommand) command(s *streams) (*exec.Cmd, error) {
	words := c.Program
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 || words[0] == "" {
		return nil, badUsage(errors.New("no program to run; write it after --, as in: concurrent run KEY -- PROGRAM"))
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, cantRun(err)
	}
	cmd := exec.Command(path, words[1:]...)
	cmd.Args[0] = words[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.err
	return cmd, nil
}

func cantRun(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return failure{err, exitNotFound}
	}
	return failure{err, exitCantRun}
}

func (c *runCommand) options() ([]locks.Option, error) {
	label := c.Label
	if label == "" {
		label = programLabel(c.Program)
	}
	options := []locks.Option{locks.WithWait(time.Duration(c.Wait)), locks.WithLabel(label)}
	if c.Expire == nil {
		return options, nil
	}
	switch d := time.Duration(*c.Expire); {
	case d == locks.Forever:
		options = append(options, locks.WithExpire(d))
	case d < minExpire:
		return nil, badUsage(fmt.Errorf("--expire must be at least %v, so that a program can be ended before its lease does; is %v", minExpire, d))
	default:
		options = append(options, locks.WithKeepAlive(d))
	}
	return options, nil
}

// programLabel is the program's name, as far as a label may be long.
func programLabel(words []string) string {
	for _, w := range words {
		if w == "--" {
			continue
		}
		w = filepath.Base(w)
		for len(w) > 255 {
			_, n := utf8.DecodeLastRuneInString(w)
			w = w[:len(w)-n]
		}
		return w
	}
	return ""
}

// acquire takes the lock, or returns the error that says why not. A signal
// that would end this process ends the wait.
func (c *runCommand) acquire(s *streams, at *site, lock *locks.Lock, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if wait := time.Duration(c.Wait); wait < locks.Forever-answerTime {
		timed, stop := context.WithTimeout(ctx, wait+answerTime)
		defer stop()
		ctx = timed
	}
	if c.Wait > 0 {
		defer showWait(s.err, at, c.Key)()
	}
	got := make(chan error, 1)
	go func() { got <- lock.Acquire(ctx) }()
	select {
	case err := <-got:
		return err
	case sig := <-signals:
		cancel(errors.New(sig.String()))
		if <-got == nil {
			_ = lock.Release(context.Background()) // the end of the process frees it too
		}
		return status(codeOfSignal(sig))
	}
}

// warnings tells what the store warns of.
type warnings struct{ s *streams }

// Observe is called by the library.
func (w warnings) Observe(_ context.Context, e concurrent.Event) {
	if e.Kind == concurrent.EventStoreWarning {
		w.s.tell("warning: " + strings.TrimPrefix(e.Err.Error(), "concurrent: "))
	}
}
