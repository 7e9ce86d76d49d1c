package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks"
)

const (
	jobEnv = "CONCURRENT_CHAOS_JOB"
	alias  = "chaos"
	// patience is for what happens soon on a machine that has not much to do.
	patience = time.Minute
)

// A job is what a process does.
type job struct {
	Process  string // its name in the history
	URL      string // of the store
	Prefix   string // of its keys
	Lease    time.Duration
	Shortest time.Duration // lease
	Clients  int
	Seed     uint64
	History  string // the file that it writes
	Resource string // the socket
	Alone    bool   // is a process of its own, which may crash and may leave no goroutine
	Sweep    bool   // only sees that every key can be had
}

// Worker is a process's whole life if the program was started as one of the
// processes of a chaos test, and does not return then. TestMain calls it first.
func Worker() {
	text := os.Getenv(jobEnv)
	if text == "" {
		return
	}
	if err := play(text); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// play works until standard input ends.
func play(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		obey(os.Stdin)
		stop()
	}()
	do := j.work
	if j.Sweep {
		do = j.sweep
	}
	if err := do(ctx); err != nil {
		return err
	}
	return goleak.Find()
}

// obey sets the process's wall clock to what each line says that it is ahead,
// until there are no more.
func obey(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if d, err := time.ParseDuration(lines.Text()); err == nil {
			clock.SkewWall(d)
		}
	}
}

// work takes and gives back locks until ctx ends.
func (j *job) work(ctx context.Context) error {
	out, err := NewRecorder(j.History, j.Process)
	if err != nil {
		return err
	}
	registry, err := j.open()
	if err != nil {
		return err
	}
	errs := make([]error, j.Clients)
	var clients sync.WaitGroup
	for i := range errs {
		clients.Go(func() {
			errs[i] = newClient(j, i, registry, out).run(ctx)
		})
	}
	clients.Wait()
	end, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	if err := registry.Shutdown(end); err != nil {
		errs = append(errs, fmt.Errorf("shutdown: %w", err))
	}
	return errors.Join(append(errs, out.Close())...)
}

func (j *job) open() (*concurrent.Registry, error) {
	r := concurrent.NewRegistry()
	return r, r.Configure(concurrent.Aliases{alias: {URL: j.URL, Prefix: j.Prefix, Lease: j.Lease}})
}

// sweep takes and gives back every key once.
func (j *job) sweep(context.Context) error {
	registry, err := j.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	errs := []error{nil}
	for _, key := range keys {
		opts := []locks.Option{locks.WithWait(locks.Forever), locks.WithRegistry(registry)}
		l := locks.Write(alias, key.name, opts...)
		if n := key.modes[0].Slots(); n > 0 {
			l = locks.Permit(alias, key.name, n, opts...)
		}
		err := l.Acquire(ctx)
		if err == nil {
			err = l.Release(ctx)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, registry.Shutdown(ctx))...)
}
