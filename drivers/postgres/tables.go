package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

// tables are what Keep, Inspect, List and Break need, which is made when one of
// them is used first.
type tables struct {
	ready bool // guarded by backend.mu
}

// What ready.sql answers.
const (
	noTables  = 0 // or not all
	allTables = 1
)

// haveTables sees that the tables are there, and makes them where it may.
func (b *backend) haveTables(ctx context.Context) error {
	b.mu.Lock()
	ready := b.tables.ready
	b.mu.Unlock()
	if ready {
		return nil
	}
	state, err := b.lookForTables(ctx)
	if err == nil && state == noTables {
		state, err = b.makeTables(ctx)
	}
	switch {
	case isDenied(err), err == nil && state != allTables:
		return fmt.Errorf("%w: postgres: the role may not make, or use, the tables that this needs; have an administrator run this, and grant select, insert, update and delete on them to the role:\n%s",
			driver.ErrUnsupported, strings.TrimSpace(script("tables", b.options.schema)))
	case err != nil:
		return err
	}
	b.tablesAreReady()
	return nil
}

// foundTables sees whether the tables are there, and makes none.
func (b *backend) foundTables(ctx context.Context) bool {
	state, err := b.lookForTables(ctx)
	if err != nil || state != allTables {
		return false
	}
	b.tablesAreReady()
	return true
}

func (b *backend) tablesAreReady() {
	b.mu.Lock()
	b.tables.ready = true
	b.mu.Unlock()
	b.scribe.rouse()
}

func (b *backend) lookForTables(ctx context.Context) (int64, error) {
	rows, err := b.ask(ctx, script("ready", b.options.schema))
	if err != nil {
		return 0, err
	}
	return oneNumber(rows)
}

const (
	// Of those who make the tables at the same time, all but one fail: "if not
	// exists" sees what others have finished only. They try again after a pause,
	// and up to twice as much.
	makeTries = 10
	makePause = 20 * time.Millisecond
)

// makeTables runs the script, and answers what there is then.
func (b *backend) makeTables(ctx context.Context) (state int64, err error) {
	for range makeTries {
		if err = b.runScript(ctx); err == nil || isDenied(err) {
			break
		}
		select {
		case <-time.After(makePause + rand.N(makePause)):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if err != nil {
		return 0, err
	}
	return b.lookForTables(ctx)
}

func (b *backend) runScript(ctx context.Context) error {
	for statement := range strings.SplitSeq(script("tables", b.options.schema), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := b.ask(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// A said is an error that the server answered, with what to do about it.
type said struct {
	error

	code string
}

// Unwrap returns what it says.
func (s said) Unwrap() error { return s.error }

// isDenied reports whether the server said that the role lacks a right.
func isDenied(err error) bool {
	s, ok := errors.AsType[said](err)
	return ok && s.code == "42501"
}

func saidOf(err, explained error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said{explained, e.Code}
	}
	return explained
}

// ask runs a statement on the session that listens, and returns its rows.
func (b *backend) ask(ctx context.Context, statement string, params ...[]byte) ([][][]byte, error) {
	b.mu.Lock()
	s := b.ears
	b.mu.Unlock()
	if s == nil {
		return nil, unavailable("the session that listens is being made anew")
	}
	return b.askOn(ctx, s, statement, params...)
}

func (b *backend) askOn(ctx context.Context, s *session, statement string, params ...[]byte) ([][][]byte, error) {
	done := newSignal()
	o := &op{kind: special, statement: statement, params: params, then: func(*op) { close(done) }}
	b.mu.Lock()
	b.submitOn(s, o)
	b.unlock()
	select {
	case <-done:
		return o.rows, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func oneNumber(rows [][][]byte) (int64, error) {
	if len(rows) != 1 || len(rows[0]) == 0 {
		return 0, errMalformed
	}
	return parseInt(rows[0][0])
}
