package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// A cast is the worker processes of try-it. They are numbered from 1.
type cast struct {
	workers []*actor
	seen    chan sighting // what they do; closed when all have ended
}

// An actor is one worker process.
type actor struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	frozen bool
}

// A sighting is a worker's report, and when this process read it.
type sighting struct {
	report
	at time.Time
}

// leaveTime is how long a worker may take to end when it is asked to.
const leaveTime = 3 * time.Second

// startCast starts n workers: this program again, with the store at url. All
// of them report through one pipe, which keeps what they do in order.
func startCast(n int, url, key string, lease time.Duration, stderr io.Writer) (*cast, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	reports, mouth, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &cast{seen: make(chan sighting)}
	go c.read(reports)
	defer func() { _ = mouth.Close() }() // the workers have it
	for i := range n {
		a := &actor{cmd: exec.Command(self, "try-it-worker", key, "--url", url,
			"--lease", lease.String(), "--number", strconv.Itoa(i+1))}
		a.cmd.Stdout, a.cmd.Stderr = mouth, stderr
		if a.stdin, err = a.cmd.StdinPipe(); err == nil {
			err = a.cmd.Start()
		}
		if err != nil {
			_ = mouth.Close()
			go c.end()
			for range c.seen {
			}
			return nil, fmt.Errorf("worker %d can't be started: %w", i+1, err)
		}
		c.workers = append(c.workers, a)
	}
	return c, nil
}

func (c *cast) read(reports *os.File) {
	defer close(c.seen)
	defer func() { _ = reports.Close() }() // it was only read
	for lines := bufio.NewScanner(reports); lines.Scan(); {
		s := sighting{at: time.Now()}
		if json.Unmarshal(lines.Bytes(), &s.report) == nil {
			c.seen <- s
		}
	}
}

// kill ends a worker as a crash would.
func (c *cast) kill(n int) { _ = c.workers[n-1].cmd.Process.Kill() }

// freeze stops a worker in the middle of what it does.
func (c *cast) freeze(n int) error {
	a := c.workers[n-1]
	err := freeze(a.cmd.Process)
	a.frozen = err == nil
	return err
}

// thaw lets a frozen worker go on.
func (c *cast) thaw(n int) {
	a := c.workers[n-1]
	_ = thaw(a.cmd.Process)
	a.frozen = false
}

// end has every worker end and waits for it. Somebody must read seen until it
// is closed.
func (c *cast) end() {
	for i, a := range c.workers {
		_ = a.stdin.Close() // closed already if the worker is gone
		if a.frozen {
			c.thaw(i + 1)
		}
	}
	for i, a := range c.workers {
		late := time.AfterFunc(leaveTime, func() { c.kill(i + 1) })
		_ = a.cmd.Wait() // how it ended is part of the show
		late.Stop()
	}
}
