package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks"
)

// keys are what the clients fight for.
var keys = []struct {
	name  string
	modes []driver.Mode
}{
	{"exclusive-1", []driver.Mode{driver.Exclusive}},
	{"exclusive-2", []driver.Mode{driver.Exclusive}},
	{"read-write", []driver.Mode{driver.Exclusive, driver.Shared, driver.Shared}},
	{"permits", []driver.Mode{driver.Slots(3)}},
}

// tick is how often a holder looks at its lease.
const tick = 20 * time.Millisecond

// A client does one thing after another.
type client struct {
	*job
	number   int
	rand     *rand.Rand
	registry *concurrent.Registry
	out      *Recorder
	resource *writer

	// The grant in hand.
	lock  *locks.Lock
	now   Record // what its records have in common
	until int64
}

func newClient(j *job, number int, r *concurrent.Registry, out *Recorder) *client {
	return &client{
		job: j, number: number, registry: r, out: out,
		rand: rand.New(rand.NewPCG(j.Seed, uint64(number))),
	}
}

func (c *client) run(ctx context.Context) error {
	w, err := dial(c.Resource)
	if err != nil {
		return err
	}
	defer func() { _ = w.conn.Close() }()
	c.resource = w
	for ctx.Err() == nil {
		if err := c.turn(ctx); err != nil {
			return err
		}
		c.pause(ctx, c.upTo(50*time.Millisecond))
	}
	return nil
}

// upTo returns a random part of d.
func (c *client) upTo(d time.Duration) time.Duration { return time.Duration(c.rand.Int64N(int64(d))) }

// once in n times is true.
func (c *client) once(n int) bool { return c.rand.IntN(n) == 0 }

func (c *client) pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// put writes a record of the grant in hand.
func (c *client) put(r Record) {
	r.Client, r.Grant, r.Key, r.Mode, r.Token = c.number, c.now.Grant, c.now.Key, c.now.Mode, c.now.Token
	c.out.Put(r)
}

// turn is one lock, from Acquire to Release. Its error is one of the test's.
func (c *client) turn(ctx context.Context) error {
	c.choose()
	if !c.acquire(ctx) {
		return nil
	}
	if err := c.hold(ctx); err != nil {
		return err
	}
	if c.once(200) && c.Alone {
		c.crash()
	}
	c.release()
	if !c.once(10) {
		return nil
	}
	c.pause(ctx, c.upTo(100*time.Millisecond))
	return c.write() // as a program does that does not know that it lost the lock
}

// choose makes the lock for a turn.
func (c *client) choose() {
	key := keys[c.rand.IntN(len(keys))]
	mode := key.modes[c.rand.IntN(len(key.modes))]
	c.now = Record{Grant: c.now.Grant + 1, Key: key.name, Mode: mode}
	opts := []locks.Option{locks.WithRegistry(c.registry)}
	if c.once(3) {
		opts = append(opts, locks.WithExpire(c.Shortest+c.upTo(c.Lease)))
	}
	if !c.once(3) {
		opts = append(opts, locks.WithWait(c.upTo(2*c.Lease)))
	}
	switch {
	case mode == driver.Shared:
		c.lock = locks.Read(alias, key.name, opts...)
	case mode.Slots() > 0:
		c.lock = locks.Permit(alias, key.name, mode.Slots(), opts...)
	default:
		c.lock = locks.Write(alias, key.name, opts...)
	}
}

// acquire reports whether the lock was got. Return is read before Active is
// asked, so that the lease was active then if Active says so now, also in a
// process that stood still in between.
func (c *client) acquire(ctx context.Context) bool {
	if c.once(4) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.upTo(c.Lease/2))
		defer cancel()
	}
	r := Record{Op: Acquire, Call: Now()}
	err := c.lock.Acquire(ctx)
	r.Return = Now()
	r.Active = c.lock.Active()
	switch {
	case err == nil:
		r.Result = OK
		c.until = r.Return
		if left := c.lock.Remaining(); left > 0 {
			c.until += int64(left) // which is less than what was left at r.Return
		}
		r.Until = c.until
		c.now.Token = c.lock.Token()
	case errors.Is(err, locks.ErrLockActive):
		r.Result = Refused
	default:
		r.Result = err.Error()
	}
	c.put(r)
	return err == nil
}

// hold keeps the lock for a while, longer than its lease now and then, and
// looks at it. Its error is one of the test's.
func (c *client) hold(ctx context.Context) error {
	d := c.upTo(30 * time.Millisecond)
	switch n := c.rand.IntN(100); {
	case n < 5:
		d = c.upTo(3 * c.Lease)
	case n < 20:
		d = c.upTo(c.Lease / 2)
	}
	lost := c.lock.Context(ctx)
	over := time.After(d)
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	if err := c.write(); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return c.write()
		case <-lost.Done():
			if ctx.Err() != nil {
				return nil
			}
			c.put(Record{Op: Loss, Call: Now(), Result: context.Cause(lost).Error()})
			return c.write()
		case <-ticks.C:
		}
		c.look()
		if c.once(30) {
			c.extend(ctx)
		}
		if c.once(5) {
			if err := c.write(); err != nil {
				return err
			}
		}
	}
}

// look writes down how long the lease lasts, where that has changed.
func (c *client) look() {
	now := Now()
	if left := c.lock.Remaining(); left > 0 && now+int64(left) > c.until+int64(time.Millisecond) {
		c.until = now + int64(left)
		c.put(Record{Op: Hold, Call: now, Until: c.until})
	}
}

// extend asks for a longer or a shorter lease.
func (c *client) extend(ctx context.Context) {
	d := c.Shortest + c.upTo(c.Lease)
	now := Now()
	c.until = min(c.until, now+int64(d))
	c.put(Record{Op: Extend, Call: now, Until: c.until})
	if err := c.lock.Extend(ctx, d); err == nil {
		c.look()
	}
}

// release gives the lock back. Which errors it may return is for other tests.
func (c *client) release() {
	call := Now()
	c.put(Record{Op: Releasing, Call: call})
	err := c.lock.Release(context.Background())
	r := Record{Op: Release, Call: call, Return: Now(), Result: OK}
	switch {
	case errors.Is(err, locks.ErrLockLost):
		r.Result = Lost
	case err != nil:
		r.Result = err.Error()
	}
	c.put(r)
}

// write writes to the resource, whether the lock is active or not: to stop it
// is what tokens are for.
func (c *client) write() error {
	if c.now.Mode != driver.Exclusive {
		return nil // others' tokens do not say who came later
	}
	r := Record{Op: Write, Call: Now()}
	var err error
	r.Result, err = c.resource.write(c.Prefix+c.now.Key, c.now.Token)
	r.Return = Now()
	if err == nil {
		c.put(r)
	}
	return err
}

// crash ends the process as a fault in it would, with what it holds.
func (c *client) crash() {
	c.out.Put(Record{Op: Kill, Call: Now(), Result: "crash"})
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
