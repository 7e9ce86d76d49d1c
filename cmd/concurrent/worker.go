package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// A workerCommand is one of the processes of try-it: it takes the lock, works
// a moment, gives it back, and begins again, until its standard input ends. It
// writes what it does, a line of JSON each.
type workerCommand struct {
	Key    string        `arg:""`
	Number int           `required:""`
	Lease  time.Duration `required:""`
	storeFlags
}

// A report is one line of a worker.
type report struct {
	Worker int    `json:"worker"`
	Did    deed   `json:"did"`
	Token  uint64 `json:"token,omitempty"`
}

// A deed is what a worker did.
type deed string

const (
	waits    deed = "waits"
	got      deed = "got"
	releases deed = "releases" // told before it does, so that who gets it next is told of later
	lost     deed = "lost"
)

// A worker holds the lock for a time between these, and rests in between.
const (
	workLeast, workMost = 300 * time.Millisecond, 500 * time.Millisecond
	restLeast, restMost = 50 * time.Millisecond, 400 * time.Millisecond
)

// Run works until s.in ends.
func (c *workerCommand) Run(s *streams) error {
	at, err := c.open()
	if err != nil {
		return err
	}
	defer at.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, s.in) // its end is all that it says
		cancel()
	}()
	w := &worker{
		lock: locks.Cache(at.alias, c.Key, at.option(), locks.WithWait(locks.Forever), locks.WithKeepAlive(c.Lease)),
		tell: func(did deed, token uint64) error {
			return json.NewEncoder(s.out).Encode(report{Worker: c.Number, Did: did, Token: token})
		},
	}
	for ctx.Err() == nil {
		if err := w.turn(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		pause(ctx, restLeast, restMost)
	}
	return nil
}

type worker struct {
	lock *locks.Lock
	tell func(did deed, token uint64) error
}

// turn takes the lock once and works under it.
func (w *worker) turn(ctx context.Context) error {
	if err := w.tell(waits, 0); err != nil {
		return fmt.Errorf("nobody listens: %w", err)
	}
	if err := w.lock.Acquire(ctx); err != nil {
		return err
	}
	token := w.lock.Token()
	held := w.lock.Context(ctx)
	err := w.tell(got, token)
	if err == nil {
		pause(held, workLeast, workMost)
	}
	if held.Err() == nil || ctx.Err() != nil {
		err = errors.Join(err, w.tell(releases, token))
	}
	if w.lock.Release(ctx) != nil {
		err = errors.Join(err, w.tell(lost, token))
	}
	return err
}

// pause waits for a time between least and most, or until ctx ends.
func pause(ctx context.Context, least, most time.Duration) {
	timer := time.NewTimer(least + rand.N(most-least))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
