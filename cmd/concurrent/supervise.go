package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// An outcome is how a program ended.
type outcome struct {
	code int            // what a shell would call its status
	sig  syscall.Signal // that ended it, or 0
	lost error          // why it was ended: the lock was lost
	// terminal: the program had the terminal to itself, so that what was typed
	// there reached nobody else.
	terminal bool
}

// A supervision watches a program and its lease, and ends the program when
// the lease can't be relied on any more. All of it happens in one goroutine.
type supervision struct {
	lock    *locks.Lock
	held    context.Context // ends with the lock
	group   *group
	pace    pace
	signals <-chan os.Signal

	end  time.Time   // when the lock stops being active if nothing renews it; zero: never
	look *time.Timer // for the next look at the lease, or at what is left of the group
	kill *time.Timer // for the end of the program's grace

	ending bool // the group was told to end
	killed time.Time
	exited bool // the program itself
	outcome
}

const (
	// lookEvery bounds the pause between two looks at the lease: timers stand
	// still while the machine is suspended.
	lookEvery = time.Second

	// pollGroup is how often a group is looked at that has lost its program.
	pollGroup = 2 * time.Millisecond

	// buryTime is how long a killed group may take to vanish.
	buryTime = time.Second
)

// supervise runs cmd under lock, passes signals on to it, and returns when it
// and its process group have ended. An error means that it did not start.
func supervise(lock *locks.Lock, cmd *exec.Cmd, signals <-chan os.Signal) (outcome, error) {
	remaining := lock.Remaining() // before the program starts: this process may be frozen just then
	var end time.Time
	if remaining != locks.Forever {
		end = time.Now().Add(remaining)
	}
	g, err := startGroup(cmd)
	if err != nil {
		return outcome{}, err
	}
	defer g.close()
	v := &supervision{
		lock: lock, held: lock.Context(context.Background()),
		group: g, pace: paceOf(remaining), signals: signals, end: end,
		look: time.NewTimer(locks.Forever), kill: time.NewTimer(locks.Forever),
	}
	defer v.look.Stop()
	defer v.kill.Stop()
	v.lookAtLease()
	v.loop()
	v.terminal = g.hadTerminal()
	return v.outcome, nil
}

func (v *supervision) loop() {
	ended := v.held.Done()
	for !v.over() {
		select {
		case sig := <-v.signals:
			v.lookAtLease() // before a signal may wake a stopped program
			v.group.pass(sig)
		case c := <-v.group.changes:
			v.changed(c)
		case <-ended:
			ended = nil
			v.lose()
		case <-v.look.C:
			v.lookAtLease()
		case <-v.kill.C:
			v.killGroup()
		}
	}
}

// over reports whether nothing is left of the group. What was killed and does
// not vanish waits for a parent to read its status, or for a disk; it runs no
// more code of its own.
func (v *supervision) over() bool {
	if !v.exited {
		return false
	}
	return v.group.gone() || !v.killed.IsZero() && time.Since(v.killed) > buryTime
}

// changed takes note of what happened to the program.
func (v *supervision) changed(c change) {
	if c.exited {
		v.exited, v.code, v.sig = true, c.code, c.signal
		if !v.group.gone() {
			v.beginEnd() // nothing that it started runs on without the lock
		}
		v.look.Reset(pollGroup)
		return
	}
	if v.group.stopped(c.signal) {
		if v.lookAtLease(); !v.ending {
			v.group.resume()
		}
	}
}

// lookAtLease ends the program if its lease was not renewed in time.
func (v *supervision) lookAtLease() {
	remaining := v.lock.Remaining()
	switch {
	case remaining == locks.Forever:
		v.end = time.Time{}
	case remaining > 0:
		v.end = time.Now().Add(remaining)
	}
	if remaining <= v.pace.notice() {
		v.lose()
	}
	pause := min(lookEvery, max(time.Millisecond, remaining-v.pace.notice()))
	if v.exited {
		pause = pollGroup
	}
	v.look.Reset(pause)
}

var errNotRenewed = errors.New("no renewal was confirmed, and the lease would have ended")

// lose ends the program because of its lock. It is final: a renewal that
// succeeds after all does not take it back.
func (v *supervision) lose() {
	if v.lost == nil {
		v.lost = errNotRenewed
		if v.held.Err() != nil {
			v.lost = context.Cause(v.held)
		}
	}
	v.beginEnd()
}

// beginEnd tells the group to end, and has it killed if it does not. After a
// lease that ended early, as by break, that is no later than it would have
// been without.
func (v *supervision) beginEnd() {
	if v.ending {
		return
	}
	v.ending = true
	remaining := locks.Forever
	if !v.end.IsZero() {
		remaining = time.Until(v.end)
	}
	left := v.pace.until(remaining)
	if left <= 0 {
		v.killGroup()
		return
	}
	v.group.terminate()
	v.kill.Reset(left)
}

func (v *supervision) killGroup() {
	v.ending, v.killed = true, time.Now()
	v.group.kill()
}
