package postgres

import (
	"encoding/binary"
	"time"
)

// A kind is what an op asks of its session. Ops of one kind in one batch are one
// statement, and the statements go in the order of the kinds: what becomes free
// can be had by the same batch, and a mark is set before the lock is tried.
type kind uint8

const (
	unshare       kind = iota // a mark, or after an error
	unlock                    // after the marks: who has one is taken to wait
	leave                     // unlock, for readers and permits
	unlockQuietly             // after an error
	special                   // a statement of its own
	idle                      // the session's idle time
	mark
	try
	enter   // try, for readers
	permit  // try, for permits
	token   // for what came in by the statement before
	check   // whether a key that was granted is kept
	ping    // no statement: that the server answers is enough
	stand   // try, and wait in the server's queue, with nothing else under way
	confirm // what was got by standing
	kinds
)

// statements are the names under which each session has the scripts.
var statements = [kinds]string{
	unlock: "unlock", leave: "leave", unlockQuietly: "unlock_quietly", unshare: "unshare", idle: "idle", mark: "mark",
	try: "try", enter: "enter", permit: "permit", token: "token", stand: "stand", confirm: "confirm",
}

// An op is one thing that a session is asked to do.
type op struct {
	kind kind
	at   *places
	by   *session // who did it
	// lease is how long a lease is to be that the op is about, 0 for none.
	lease time.Duration
	// What it is about besides: the number of a mark or of a lock to undo, the
	// milliseconds of idle, stand and confirm, the permit to leave (0: none).
	number int64
	last   bool   // leave: nothing of the key stays with the session
	mode   int64  // enter, permit, leave: the mode's number
	have   bool   // enter, permit: the session has some already
	size   int32  // permit: of how many; leave: of the first, 0 if it stays
	from   int32  // permit: which is tried first
	skip   []byte // permit: which are not tried
	// Whether the session says that numbers differ: permit, before and, once it is
	// settled, after; leave: what it says no more.
	uneven  int32
	differs bool  // permit: its own do
	keptToo int32 // permit: see ask

	statement string // special: a query without parameters, or with them
	params    [][]byte

	// then is called once, with the backend's mutex held and the rest set.
	then  func(*op)
	sent  time.Time
	code  int32 // what the statement answered
	kept  bool  // keys of the schema may be kept
	token uint64
	rows  [][][]byte
	err   error
	fate  fate
	alone bool // shares no statement
}

// What statements answer, and −1 that the lock is held.
const (
	notHeld   = 0 // unlock, leave
	freed     = 1
	freedTold = 2 // and waiters of other sessions were told

	wasFree   = 1 // stand
	waitedFor = 2
	stillHeld = -1

	writerWaits = -2 // enter
	gateShut    = -3
	otherMode   = -5
)

// done reports whether a try, a mark, or an unlock did what it is for.
func (o *op) done() bool {
	if o.kind == enter || o.kind == permit {
		return o.err == nil && o.code >= 0
	}
	return o.err == nil && o.code > 0
}

// exclusive reports whether the op gets the lock alone.
func (o *op) exclusive() bool { return o.kind == try || o.kind == confirm }

// A fate is what is known of an op that failed.
type fate uint8

const (
	unsent  fate = iota // it never left
	refused             // the server said no, and what it did is undone
	gone                // the session is, with all its locks
)

// A group is the ops of one statement.
type group struct {
	kind  kind
	ops   []*op
	err   error
	rows  [][][]byte // copied
	first *group     // of a token: those who came in
}

// appendTo appends the messages of a group, with the Sync.
func (g *group) appendTo(b []byte, home *backend) ([]byte, error) {
	var err error
	switch g.kind {
	case ping: // nothing but the Sync
	case special, check:
		b, err = appendStatement(b, g.ops[0].statement, g.params())
	default:
		name, arguments := g.prepared(home)
		b, err = appendExecute(b, name, arguments)
	}
	return appendSync(b), err
}

// ofOne is what the name of a statement for one lock ends with.
const ofOne = "_one"

// prepared are the statement that the session has prepared for the group, and
// its parameters.
func (g *group) prepared(home *backend) (string, [][]byte) {
	name := statements[g.kind]
	if len(g.ops) > 1 {
		return name, g.arguments(home)
	}
	switch at := g.ops[0].at; g.kind {
	case try:
		return name + ofOne, [][]byte{int8Of(at.lock)}
	case unlock:
		return name + ofOne, append([][]byte{int8Of(at.lock), int8Of(at.wait)}, home.telling()...)
	}
	return name, g.arguments(home)
}

// params are those of a statement that the session has under no name.
func (g *group) params() [][]byte {
	if g.kind == check {
		return [][]byte{g.ints(func(o *op) int64 { return o.at.lock })}
	}
	return g.ops[0].params
}

func (g *group) ints(of func(*op) int64) []byte {
	return appendInts(nil, len(g.ops), func(i int) int64 { return of(g.ops[i]) })
}

func (g *group) bools(of func(*op) bool) []byte {
	return appendBools(nil, len(g.ops), func(i int) bool { return of(g.ops[i]) })
}

// arguments are the parameters of a statement that the session has prepared.
func (g *group) arguments(home *backend) [][]byte {
	lock := func(o *op) int64 { return o.at.lock }
	wait := func(o *op) int64 { return o.at.wait }
	number := func(o *op) int64 { return o.number }
	mode := func(o *op) int64 { return o.mode }
	switch o := g.ops[0]; g.kind {
	case unlock:
		return append([][]byte{g.ints(lock), g.ints(wait)}, home.telling()...)
	case leave:
		all := append([][]byte{g.ints(number), g.ints(ifLast(mode)), g.ints(ifLast(lock)), g.ints(wait), g.ints(lock)}, home.telling()...)
		return append(all, g.ints((*op).sizeMark), g.ints((*op).unevenMark))
	case unshare, mark, unlockQuietly:
		return [][]byte{g.ints(number)}
	case enter:
		return [][]byte{
			g.ints(lock), g.ints(func(o *op) int64 { return o.at.gate }), g.ints(mode),
			g.ints(func(o *op) int64 { return o.at.writer }), g.bools(func(o *op) bool { return o.have }),
		}
	case permit:
		return [][]byte{
			int8Of(o.at.lock), int8Of(o.at.gate), int8Of(o.mode), boolOf(o.have),
			int8Of(o.at.slots), int4Of(o.size), int4Of(o.from), o.skip,
			int8Of(o.at.size(int(o.size))), int8Of(o.at.uneven), boolOf(o.uneven != even), boolOf(o.differs), int4Of(o.keptToo),
		}
	case idle, confirm:
		return [][]byte{[]byte(itoa(o.number))}
	case stand:
		return [][]byte{int8Of(o.at.lock), []byte(itoa(o.number))}
	case token:
		return nil
	}
	return [][]byte{g.ints(lock)}
}

// sizeMark is the number of a size that a leave gives back, 0 for none.
func (o *op) sizeMark() int64 {
	if o.size == 0 {
		return 0
	}
	return o.at.size(int(o.size))
}

// unevenMark is what it gives back that says that sizes differ, 0 for nothing.
func (o *op) unevenMark() int64 {
	if o.uneven == even {
		return 0
	}
	return o.at.uneven
}

func ifLast(of func(*op) int64) func(*op) int64 {
	return func(o *op) int64 {
		if o.last {
			return of(o)
		}
		return 0
	}
}

// settle gives each op its part of the answer.
func (g *group) settle(timeline uint64) error {
	switch {
	case g.kind == ping, g.kind == idle, g.kind == special:
		g.ops[0].rows = g.rows
		return nil
	case g.kind == check:
		return g.settleCheck()
	case len(g.rows) != 1:
		return errMalformed
	}
	row := g.rows[0]
	set := func(i int, v int32) { g.ops[i].code = v }
	switch g.kind {
	case unlock, leave, enter, permit:
		if g.kind == enter || g.kind == permit {
			g.setKept(row[2])
		}
		if g.kind == permit {
			if err := g.setUneven(row[3]); err != nil {
				return err
			}
		}
		return parseInt4s(row[0], len(g.ops), set)
	case token:
		return g.setTokens(row[0], timeline)
	case try:
		g.setKept(row[2])
		if err := g.setTokens(row[1], timeline); err != nil {
			return err
		}
	case confirm:
		set(0, 1)
		g.setKept(row[1])
		return g.setTokens(row[0], timeline)
	case stand:
		return g.settleStand(row[0])
	}
	return parseBools(row[0], len(g.ops), set)
}

func (g *group) settleStand(value []byte) error {
	if len(value) != 4 {
		return errMalformed
	}
	g.ops[0].code = int32(binary.BigEndian.Uint32(value))
	return nil
}

func (g *group) setKept(value []byte) {
	kept := len(value) == 1 && value[0] == 1
	for _, o := range g.ops {
		o.kept = kept
	}
}

// setUneven notes what permit.sql says of sizes, if it granted anything.
func (g *group) setUneven(value []byte) error {
	if len(value) != 4 {
		return errMalformed
	}
	if n := int32(binary.BigEndian.Uint32(value)); n != even {
		g.ops[0].uneven = n
	}
	return nil
}

func (g *group) setTokens(value []byte, timeline uint64) error {
	xid, err := parseInt(value)
	if err != nil {
		return err
	}
	for _, o := range g.ops {
		o.token = tokenOf(timeline, xid)
	}
	return nil
}

// settleCheck gives each op the rows of its key.
func (g *group) settleCheck() error {
	for _, row := range g.rows {
		if len(row) == 0 || len(row[0]) != 8 {
			return errMalformed
		}
		number := int64(binary.BigEndian.Uint64(row[0]))
		for _, o := range g.ops {
			if o.at.lock == number {
				o.rows = append(o.rows, row)
			}
		}
	}
	return nil
}

const (
	spareBits    = 6
	spare        = 1<<spareBits - 1
	xidBits      = 46
	timelineBits = 63 - xidBits - spareBits
)

// tokenOf returns the token of a transaction, 0 for none: the timeline of the
// server's history, the transaction's id in it, and room for the spare ones.
func tokenOf(timeline uint64, xid int64) uint64 {
	if xid == 0 {
		return 0
	}
	return timeline<<(xidBits+spareBits) | uint64(xid)<<spareBits
}
