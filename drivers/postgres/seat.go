package postgres

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// seats is how many processes can be told one at a time.
	seats = 256
	// everybody is the part of a waiter's mark that has all be told.
	everybody = 1 << 16
	// overlooked is when all are told of a key that is still free, although one
	// was told of its release: that one may stand still.
	overlooked = 200 * time.Millisecond
)

// A seating is this process's place among those of a schema. Whoever releases
// tells the next one that waits, in the order of their seats, so that each has
// its turn, and not all try at once. Where a seat is not known, or two believe
// that they have it, more of them look.
type seating struct {
	own   atomic.Int32 // −1: none
	known atomic.Int32 // all seats that were heard of are below
}

// heard takes note of how many seats there are at least.
func (s *seating) heard(n int64) {
	for known := s.known.Load(); n > int64(known) && n <= seats; known = s.known.Load() {
		if s.known.CompareAndSwap(known, int32(n)) {
			return
		}
	}
}

// sit takes a seat for as long as a connection lives, and has the connection
// listen to what is said to it.
func (b *backend) sit(ctx context.Context, c *pgconn.PgConn) error {
	first := mixed(b.presence, 1) &^ (seats - 1)
	result := c.ExecParams(ctx, script("seat", b.options.schema),
		[][]byte{int8Of(first), int4Of(seats), b.channel, []byte(newSeat)}, nil,
		[]int16{1, 1, 0, 0}, binaryFormat).Read()
	b.seating.own.Store(-1)
	if result.Err != nil || len(result.Rows) == 0 {
		return result.Err
	}
	if len(result.Rows[0]) != 2 {
		return errMalformed
	}
	seat, err := parseInt(result.Rows[0][0])
	if err != nil {
		return err
	}
	known, err := parseInt(result.Rows[0][1])
	if err != nil {
		return err
	}
	if err := c.Exec(ctx, listenTo(string(b.channel)+"/"+strconv.FormatInt(seat, 10))).Close(); err != nil {
		return err
	}
	b.seating.own.Store(int32(seat))
	b.seating.heard(max(known, seat+1))
	return nil
}

// telling are the parameters of those who tell: channel, seats, everybody.
func (b *backend) telling() [][]byte {
	return [][]byte{b.channel, int4Of(b.seating.own.Load()), int4Of(b.seating.known.Load()), int8Of(everybody)}
}

// turn is the number of the mark that says who of those that wait is to be told,
// and whether there is one.
func (b *backend) turn(e *entry) (int64, bool) {
	seat := b.seating.own.Load()
	if e.line[0].request.Mode != 0 {
		return e.at.wait ^ everybody, true
	}
	return e.at.wait ^ int64(seat+1), seat >= 0
}

// retell sees to it that somebody comes for a key, whose release another process
// was told of.
func (b *backend) retell(e *entry) {
	s := e.told
	e.told = nil
	if s != nil {
		b.submitOn(s, &op{
			kind: special, at: &e.at, statement: script("retell", b.options.schema),
			params: [][]byte{int8Of(e.at.lock), int8Of(e.at.wait), b.channel},
		})
	}
}
