package postgres

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// tellWithin is how long other processes have to write down what they
	// hold. Of those that do not, what they wrote before is shown.
	tellWithin = 250 * time.Millisecond
	lookAgain  = 5 * time.Millisecond
)

// Inspect tells who holds key. What this process holds it knows; other processes
// are asked, and have a quarter of a second to answer. Those who wait here, or in
// the process that holds the key alone, are counted; each other process that
// waits counts as one.
func (s *Store) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if err := s.mayInspect(ctx, key); err != nil {
		return driver.Info{}, err
	}
	return s.inspect(ctx, key)
}

func (s *Store) mayInspect(ctx context.Context, key string) error {
	if err := driver.CheckKey(key); err != nil {
		return err
	}
	if err := s.usable(ctx); err != nil {
		return err
	}
	return s.backend.haveTables(ctx)
}

func (s *Store) inspect(ctx context.Context, key string) (driver.Info, error) {
	b, number := s.backend, s.number(key)
	at := placesOf(number)
	others, err := b.others(ctx, "holding", int8Of(number))
	if err != nil {
		return driver.Info{}, err
	}
	if len(others) > 0 {
		if err := b.haveTold(ctx, others); err != nil {
			return driver.Info{}, err
		}
	}
	all, err := b.holders(ctx, int8s(1, func(int) int64 { return number }), "")
	if err != nil {
		return driver.Info{}, err
	}
	rows, err := b.ask(ctx, script("waiters", b.options.schema), int8Of(at.wait), b.ownSessions(), int8Of(number))
	if err != nil {
		return driver.Info{}, err
	}
	waiters, err := oneNumber(rows)
	if err != nil {
		return driver.Info{}, err
	}
	info := driver.Info{Key: key, Waiters: int(waiters)}
	for _, h := range all {
		if h.key == key || h.key == "" {
			info.Holders = append(info.Holders, h.Held)
			info.Waiters += h.waiters
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[number]; e != nil {
		for _, l := range e.leases {
			if l.key == key {
				info.Holders = append(info.Holders, l.held())
			}
		}
		for _, a := range e.line {
			if a.request.Key == key {
				info.Waiters++
			}
		}
	}
	slices.SortFunc(info.Holders, func(a, b driver.Held) int { return cmp.Compare(a.Token, b.Token) })
	return info, nil
}

// List yields what is held or kept. It reads all of it at once.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		all, err := s.list(ctx, prefix)
		if err != nil {
			yield(driver.Info{}, err)
			return
		}
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (s *Store) list(ctx context.Context, prefix string) ([]driver.Info, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	b := s.backend
	if err := b.haveTables(ctx); err != nil {
		return nil, err
	}
	if err := b.haveTold(ctx, nil); err != nil {
		return nil, err
	}
	rows, err := b.holders(ctx, nil, prefix)
	if err != nil {
		return nil, err
	}
	var all []driver.Info
	places := make(map[string]int)
	add := func(key string, h driver.Held) {
		i, ok := places[key]
		if !ok {
			i = len(all)
			places[key] = i
			all = append(all, driver.Info{Key: key, Waiters: -1})
		}
		all[i].Holders = append(all[i].Holders, h)
	}
	for _, h := range rows {
		add(h.key, h.Held)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		for _, l := range e.leases {
			if strings.HasPrefix(l.key, prefix) {
				add(l.key, l.held())
			}
		}
	}
	return all, nil
}

// haveTold has other sessions write down what they hold, those or all, and waits
// until they did, but not for long.
func (b *backend) haveTold(ctx context.Context, sessions []int64) error {
	rows, err := b.ask(ctx, script("ask", b.options.schema), b.channel, []byte(wantsBooks))
	if err != nil {
		return err
	}
	if len(rows) != 1 {
		return errMalformed
	}
	since := rows[0][0]
	timer := time.NewTimer(0)
	defer timer.Stop()
	for began := time.Now(); time.Since(began) < tellWithin; {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		silent, err := b.others(ctx, "silent", int8Of(b.presence), since)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(silent, func(pid int64) bool { return sessions == nil || slices.Contains(sessions, pid) }) {
			return nil
		}
		timer.Reset(lookAgain)
	}
	return nil
}

// others returns the sessions of other processes that a script finds.
func (b *backend) others(ctx context.Context, name string, params ...[]byte) ([]int64, error) {
	rows, err := b.ask(ctx, script(name, b.options.schema), append(params, b.ownSessions())...)
	if err != nil {
		return nil, err
	}
	all := make([]int64, len(rows))
	for i, row := range rows {
		if !numbers(row, all[i:i+1]) {
			return nil, errMalformed
		}
	}
	return all, nil
}

func (b *backend) ownSessions() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int4s(b.pids())
}

// A found is a lease of another process, or a kept one.
type found struct {
	driver.Held

	key     string
	session int64
	waiters int // of its own process, which has no mark
}

// holders returns who holds locks, or all of those whose keys have a prefix.
func (b *backend) holders(ctx context.Context, numbers []byte, prefix string) ([]found, error) {
	rows, err := b.ask(ctx, script("holders", b.options.schema), numbers, []byte(prefix), b.ownSessions())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	all := make([]found, len(rows))
	for i, row := range rows {
		if !all[i].read(row, now) {
			return nil, errMalformed
		}
	}
	return all, nil
}

// read reads a row of holders.sql.
func (f *found) read(row [][]byte, now time.Time) bool {
	var n [7]int64
	if len(row) != 11 || !numbers([][]byte{row[2], row[3], row[4], row[5], row[7], row[9], row[10]}, n[:]) {
		return false
	}
	f.key, f.session, f.waiters = string(row[1]), n[5], int(n[6])
	f.Mode, f.Token = driver.Mode(n[0]), uint64(n[3])
	f.Holder = driver.Holder{Host: string(row[6]), PID: int(n[4]), Label: string(row[8])}
	if n[1] >= 0 {
		f.Until = now.Add(time.Duration(n[1]) * time.Microsecond)
	}
	if n[2] >= 0 {
		f.Since = now.Add(-time.Duration(n[2]) * time.Microsecond)
	}
	if row[1] == nil {
		f.Holder.Label = "session " + strconv.FormatInt(n[5], 10) + " of the server"
	}
	return true
}
