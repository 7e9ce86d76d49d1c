package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// minKeep is the shortest time for which Keep leaves a key held.
const minKeep = time.Millisecond

// CheckKeep finds out whether the tables that Keep needs are there, and makes them
// where it may. A role that may neither make nor use them is told that, and what an
// administrator is to do.
func (s *Store) CheckKeep(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	return s.backend.haveTables(ctx)
}

// Keep leaves the key held by nobody: it writes that down, and then gives the
// lock back.
func (s *Store) Keep(ctx context.Context, r driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Lease < minKeep && r.Lease != 0 {
		return invalid("a key is kept for at least %v, or until its lease would have ended if that is 0; is %v", minKeep, r.Lease)
	}
	if err := s.usable(ctx); err != nil {
		return err
	}
	b := s.backend
	if err := b.haveTables(ctx); err != nil {
		return err
	}
	done, err := newSignal(), error(nil)
	b.mu.Lock()
	l := b.leaseOf(s.number(r.Key), &r)
	if l == nil || s.shut {
		b.mu.Unlock()
		return driver.ErrNotHeld
	}
	l.keeping = true
	o := &op{kind: special, statement: script("keep", b.options.schema), params: l.kept(r.Lease)}
	o.then = func(o *op) {
		b.wasKept(l, o, func(e error) {
			err = e
			close(done)
		})
	}
	b.submitOn(l.on, o)
	b.unlock()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wasKept gives the lock back when it is written down that the key is kept.
func (b *backend) wasKept(l *lease, o *op, finish func(error)) {
	l.keeping = false
	switch {
	case l.over && o.err == nil: // broken meanwhile
		b.submitOn(l.on, &op{kind: special, statement: script("unkeep", b.options.schema), params: [][]byte{int8Of(l.entry.at.lock), []byte(l.key)}})
		finish(driver.ErrNotHeld)
	case l.over && o.fate == gone: // it may be written
		finish(o.err)
	case l.over:
		finish(driver.ErrNotHeld)
	case o.err != nil:
		b.last(l, time.Now(), time.Until(l.ends)) // which the timer may have missed
		finish(o.err)
	default:
		b.giveUp(l, func(o *op) {
			if o != nil && o.err != nil {
				finish(o.err)
				return
			}
			finish(nil)
		})
	}
}

// kept are the parameters of keep.sql.
func (l *lease) kept(d time.Duration) [][]byte {
	left := d
	if d == 0 {
		left = max(minKeep, time.Until(l.ends))
	}
	if d >= longest || d == 0 && l.forever() {
		left = -time.Microsecond
	}
	return [][]byte{
		int8Of(l.entry.at.lock), int8Of(l.id()), []byte(l.key), int4Of(int32(l.mode)), int4Of(l.slot),
		int8Of(left.Microseconds()), int8Of(time.Since(l.since).Microseconds()), int8Of(int64(l.token)),
		[]byte(l.holder.Host), int4Of(int32(l.holder.PID)), []byte(l.holder.Label),
	}
}

// id is what the tables know a lease by: who reads them must not learn its
// owner.
func (l *lease) id() int64 {
	sum := sha256.Sum256([]byte(l.owner))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// readKept returns why a lock that the server granted can't be had: somebody's
// kept lease excludes it.
func (b *backend) readKept(a *ask, o, c *op) error {
	if c.err != nil {
		return c.err
	}
	var permits []int32 // that are kept
	for _, row := range c.rows {
		var n [4]int64
		if !numbers(row, n[:]) {
			return unavailable("%v", errMalformed)
		}
		mode, left := driver.Mode(n[1]), time.Duration(n[3])*time.Microsecond
		if n[3] < 0 {
			left = driver.Forever
		}
		switch {
		case a.request.Mode.Excludes(mode):
			return &driver.HeldError{For: left}
		case mode > 0:
			permits = append(permits, int32(n[2]))
		}
	}
	if o.kind == permit {
		return a.keptBeside(o, permits)
	}
	return nil
}

// numbers reads the columns of a row that are int8.
func numbers(row [][]byte, to []int64) bool {
	if len(row) != len(to) {
		return false
	}
	for i := range to {
		n, err := parseInt(row[i])
		if err != nil {
			return false
		}
		to[i] = n
	}
	return true
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: postgres: "+format, append([]any{driver.ErrInvalidRequest}, args...)...)
}

// usable returns why a store can't be used now.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.backend.mu.Lock()
	defer s.backend.mu.Unlock()
	if s.shut {
		return driver.ErrClosed
	}
	return nil
}
