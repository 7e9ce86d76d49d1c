package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// What a process is to do, with which contender, is in its environment.
const (
	roleEnv      = "CONCURRENT_BENCH_ROLE"
	storeEnv     = "CONCURRENT_BENCH_STORE"
	contenderEnv = "CONCURRENT_BENCH_CONTENDER"
	addressEnv   = "CONCURRENT_BENCH_ADDRESS"
	keyEnv       = "CONCURRENT_BENCH_KEY"

	roleTakesTurns = "takes turns"
	roleHolds      = "holds"
)

// A turn is one section of a process, on the clock that all processes of a
// machine share: when it asked, when it had the lock, when it began to give it
// back.
type turn struct{ Asked, Got, Gave int64 }

// A stint is what a process did from one line to go to the next to stop.
type stint struct {
	Began, Ended int64 // on the clock of its turns
	Turns        []turn
	Used         usage
}

// now reads CLOCK_MONOTONIC, in nanoseconds.
func now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // every kernel has it
	}
	return t.Nano()
}

// play is a process's main function.
func play(role string) error {
	contender := storeOf(os.Getenv(storeEnv)).contender(os.Getenv(contenderEnv))
	lease := usual
	if role == roleHolds {
		lease = recoveryLease
	}
	c, err := contender.open(os.Getenv(addressEnv), lease)
	if err != nil {
		return err
	}
	if role == roleHolds {
		take := c.alive
		if take == nil {
			take = c.wait
		}
		if _, err := take(context.Background(), os.Getenv(keyEnv)); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		one, err := untilTold(in, c.wait)
		if err == nil {
			fmt.Println("stopped")
			in.Scan() // what follows takes long, and is no part of what it did
			err = errors.Join(connect(c.wait), out.Encode(one))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// connect makes the connection anew that a client may have closed with a wait that
// was ended: it is no part of the next round, nor of another contender's.
func connect(take taker) error {
	release, err := take(context.Background(), fmt.Sprint("connect-", os.Getpid()))
	if err != nil {
		return err
	}
	return release()
}

// untilTold takes turns until the next line comes.
func untilTold(in *bufio.Scanner, take taker) (*stint, error) {
	before, err := used()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		in.Scan()
		stop()
	}()
	began := now()
	turns, err := takeTurns(ctx, take, os.Getenv(keyEnv))
	if err != nil {
		return nil, err
	}
	<-ctx.Done()
	ended := now()
	after, err := used()
	return &stint{began, ended, turns, after.minus(before)}, err
}

// takeTurns takes the key and gives it back until ctx ends.
func takeTurns(ctx context.Context, take taker, key string) ([]turn, error) {
	turns := []turn{}
	for ctx.Err() == nil {
		asked := now()
		release, err := take(ctx, key)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return nil, err
		}
		t := turn{asked, now(), now()}
		if err := release(); err != nil && ctx.Err() == nil {
			return nil, err
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// A crowd is processes with one role.
type crowd struct {
	e     *entry
	procs []*exec.Cmd
	ins   []io.WriteCloser
	outs  []*bufio.Reader
}

// gather starts processes, and returns when they are ready.
func gather(e *entry, key, role string, n int) *crowd {
	e.t.Helper()
	c := &crowd{e: e}
	e.t.Cleanup(c.kill)
	for range n {
		p := exec.Command(os.Args[0])
		p.Env = append(os.Environ(), roleEnv+"="+role, storeEnv+"="+e.store.name, contenderEnv+"="+e.contender.name,
			addressEnv+"="+e.address, keyEnv+"="+key)
		p.Stderr = os.Stderr
		in, err := p.StdinPipe()
		out, err2 := p.StdoutPipe()
		if err := cmp.Or(err, err2, p.Start()); err != nil {
			e.t.Fatal(err)
		}
		c.procs, c.ins, c.outs = append(c.procs, p), append(c.ins, in), append(c.outs, bufio.NewReader(out))
	}
	for _, out := range c.outs {
		if _, err := out.ReadString('\n'); err != nil {
			e.t.Fatal(errors.Join(errors.New("a process is not ready"), err))
		}
	}
	return c
}

// during has them take turns while work runs. It returns each one's, and what the
// whole machine used but for this process.
func (c *crowd) during(work func()) ([]stint, time.Duration) {
	c.e.t.Helper()
	before := read(c.e.t)
	c.tell("go")
	work()
	c.tell("stop")
	for _, out := range c.outs {
		if _, err := out.ReadString('\n'); err != nil {
			c.e.t.Fatal(errors.Join(errors.New("a process has not stopped"), err))
		}
	}
	after := read(c.e.t)
	c.tell("tell")
	all := make([]stint, len(c.outs))
	for i, out := range c.outs {
		line, err := out.ReadBytes('\n')
		if err := cmp.Or(err, json.Unmarshal(line, &all[i])); err != nil {
			c.e.t.Fatal(err)
		}
	}
	return all, after.machine - before.machine - after.minus(before.usage).CPU
}

func (c *crowd) tell(what string) {
	for _, in := range c.ins {
		if _, err := fmt.Fprintln(in, what); err != nil {
			c.e.t.Fatal(err)
		}
	}
}

// kill ends those that have not ended.
func (c *crowd) kill() {
	for _, p := range c.procs {
		_ = p.Process.Kill()
		_ = p.Wait()
	}
	c.procs = nil
}
