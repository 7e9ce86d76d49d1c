package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// breakWithin is how long another process has to give up a lock that is broken,
// before the server is told to end its session.
const breakWithin = time.Second

var errBroken = errors.New("postgres: the lock was broken")

// Break ends every lease on key. Other processes are told to give theirs up. The
// session of one that does not is ended, with all its locks, which takes a role
// that the server lets do that.
func (s *Store) Break(ctx context.Context, key string) (driver.Info, error) {
	if err := s.mayInspect(ctx, key); err != nil {
		return driver.Info{}, err
	}
	b, number := s.backend, s.number(key)
	info, err := s.inspect(ctx, key)
	if err != nil {
		return driver.Info{}, err
	}
	if len(info.Holders) == 0 {
		return driver.Info{}, driver.ErrNotHeld
	}
	if _, err := b.ask(ctx, script("unkeep", b.options.schema), int8Of(number), []byte(key)); err != nil {
		return driver.Info{}, err
	}
	holding, err := b.others(ctx, "holding", int8Of(number))
	if err != nil {
		return driver.Info{}, err
	}
	name := strconv.FormatUint(uint64(number), 16)
	if len(holding) > 0 {
		name = wantsBreak + name
	}
	told, err := b.ask(ctx, script("ask", b.options.schema), b.channel, []byte(name))
	if err != nil || len(told) != 1 {
		return driver.Info{}, errors.Join(err)
	}
	b.mu.Lock()
	if e := b.entries[number]; e != nil {
		b.breakHere(e)
	}
	b.unlock()
	return info, b.awaitBroken(ctx, number, holding, told[0][0])
}

// breakHere gives up what this process holds of a key. It answers who broke it
// when that is done.
func (b *backend) breakHere(e *entry) {
	for _, l := range slices.Clone(e.leases) {
		b.lose(l, errBroken)
		b.giveUp(l, func(*op) { b.scribe.rouse() })
	}
	b.wake(e)
}

// awaitBroken waits until the sessions that held a lock have given it up, and
// ends those that do not.
func (b *backend) awaitBroken(ctx context.Context, number int64, holding []int64, since []byte) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for began := time.Now(); len(holding) > 0; timer.Reset(lookAgain) {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		still, err := b.others(ctx, "holding", int8Of(number))
		if err != nil {
			return err
		}
		if took := time.Since(began); took > tellWithin { // who answered has taken the key anew
			silent, err := b.others(ctx, "silent", int8Of(b.presence), since)
			if err != nil {
				return err
			}
			still = slices.DeleteFunc(still, func(pid int64) bool { return !slices.Contains(silent, pid) })
			if took > breakWithin {
				return b.endSessions(ctx, both(holding, still))
			}
		}
		holding = both(holding, still)
	}
	return nil
}

// both returns what is in both.
func both(a, b []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(a), func(v int64) bool { return !slices.Contains(b, v) })
}

// endSessions has the server end sessions.
func (b *backend) endSessions(ctx context.Context, sessions []int64) error {
	for _, pid := range sessions {
		_, err := b.ask(ctx, "select pg_terminate_backend($1::int8::int4)", int8Of(pid))
		if isDenied(err) {
			return fmt.Errorf("%w: postgres: the process that holds the lock does not answer, and this role may not end its session; grant it pg_signal_backend, or use one role for all (%w)", driver.ErrUnsupported, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
