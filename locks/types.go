// The types of the package stand here together, and what they do in the files that
// are named for it: so no file needs another only to know what it works on.

package locks

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/internal/fifo"
	"github.com/concurrent-go/concurrent/internal/redact"
	"github.com/concurrent-go/concurrent/locks/internal/cleanup"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
	"github.com/concurrent-go/concurrent/locks/internal/keepalive"
	"github.com/concurrent-go/concurrent/locks/internal/term"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
	"github.com/concurrent-go/concurrent/locks/internal/wheel"
)

// A Lock is the description of a lock and at most one lease of it, got by
// Acquire and given back by Release. Making one does no I/O and can't fail:
// what is wrong with it is told by Acquire and Do. It is safe for concurrent
// use and can be a package variable. It must not be copied.
//
// Every Do and every Hold takes a lease of its own, apart from the one that Acquire
// got: use these where goroutines share a value. Release on a value gives back what
// an Acquire on it got, whichever goroutine called that.
//
// The zero Lock and a nil *Lock are ErrInvalidOption at Acquire, and hold nothing.
type Lock struct {
	alias, key string
	options    *options

	resolved atomic.Pointer[resolvedLock]
	current  atomic.Pointer[lease]

	self weak.Pointer[anchor] // made once
	once sync.Once            // the smaller ones stand last: locks are many

	mode   driver.Mode
	local  bool
	anchor anchor
}

// An anchor is what a lease knows its Lock or Lease by: while it is there, they are.
type anchor struct{ _ byte }

// A Lease is one grant of a lock, got by Hold: nobody else's Release can reach it. It
// is safe for concurrent use. The zero Lease and a nil *Lease hold nothing.
//
// A Lease that the program drops while it is active is renewed no more, and the
// observer is told; contexts made by Context keep it.
type Lease struct {
	anchor anchor
	lease  *lease
}

// A resolvedLock is what a Lock turned out to be at an Acquire: what all its leases
// have in common.
type resolvedLock struct {
	client  *client
	options *options
	key     string // with the alias's prefix
	mode    driver.Mode
	local   *localLock // of a local lock

	// turn is of those who acquire the value itself, in modes that others may have
	// beside it. A program's registry, and with it this, may change between tests.
	turn chan struct{}
}

// An attempt is one Acquire, Do or Hold on its way to a lease.
type attempt struct {
	lock  *Lock
	ctx   context.Context
	until int64 // when the wait is over, Mono; 0: when ctx is, or there is none
	waits bool

	waited bool                 // other than for one answer
	who    weak.Pointer[anchor] // whose the lease will be; zero: nobody's that is collected
	queue  *waitQueue           // the line that the lease is got through; or nil

	turn    <-chan struct{} // has one for a, whose turn it is to have the value; nil: it needs none
	report  *report         // nil: nobody observes
	counted *client         // that counts it as under way
}

// A report is what an observer is told of one attempt.
type report struct {
	told
	observer concurrent.Observer // nil: it was told how the attempt ended
	began    time.Time
	warned   bool            // that the store can't be opened
	waiting  <-chan struct{} // closed when it was told that the attempt waits; nil: it is not to be yet
}

// A told is what an observer is told of a lease besides what the lease knows.
type told struct {
	ctx context.Context // with the caller's values
	id  uint64
}

// A waitCall is one Acquire that waits.
type waitCall struct {
	attempt
	rl     *resolvedLock
	waiter waitline.Waiter[*waitCall, *lease]
	line   *waitQueue  // that it stands in; nil: in none
	joined int64       // when, Mono
	calls  *storeCalls // nil: it was handed a lease, or waits for one
}

// storeCalls are the requests of a waitCall that asks the store.
type storeCalls struct {
	ctx    context.Context // ends with the caller's, and when the client is drained
	done   func()          // ends ctx
	word   error           // what was heard of the key last
	warned bool            // that the store is away
}

type waitQueue = waitline.Line[*waitCall, *lease]

// A lease is one grant, from the moment the store gave it until it was given
// back, handed on or lost. It lives once: from held to over.
type lease struct {
	*resolvedLock
	owner string
	token uint64
	spare int32 // how often it may still be handed on
	state atomic.Int32
	got   clock.Instant        // when this holder got it
	queue *waitQueue           // the line it was got through, or nil
	who   weak.Pointer[anchor] // whose it is; zero for Do's leases, which can't be collected

	// deadline is until when the holder may count on the lease. It is read without
	// a lock.
	deadline deadline.Deadline
	extra    atomic.Pointer[extras] // what most leases never need; nil: it was not needed yet

	// Guarded by the wheel.
	term     term.Term
	length   time.Duration // as the holder wants it from now on
	renewAt  int64
	node     wheel.Node[*lease]
	renewal  term.ID // under way
	attempts uint8   // failed renewals since the last good one
	renewed  bool    // is kept alive
	brief    bool    // the store was not asked yet to make it as long as it is to be
	inFlight bool    // a renewal is under way
	claimed  bool    // the caller of Acquire or Do has it
}

// extras are what few leases have: leases are many, and small without. They are made
// when one is needed first, and stay.
type extras struct {
	mu    sync.Mutex
	cause *Error  // why the lease was lost, for who holds it; written before the state
	ends  *ending // the contexts that end with it; nil: nobody looked at one
	told  *told   // nil: no observer was told of it

	extending sync.Mutex // one Extend at a time
}

// An ending is the contexts that end with a lease. Those whose parents never end
// share one; of those whose parents end at one time, by one channel, one stands for
// all; and those that have ended are forgotten when their number has doubled: so a
// context that was dropped costs nothing that grows.
type ending struct {
	alone *cancelable
	one   *cancelable                     // the first of those with parents that end
	more  map[<-chan struct{}]*cancelable // the others, by what their parents end by
	sweep int                             // how many there are when those that ended are forgotten
	timer *time.Timer                     // of a local lock, which is in no wheel
}

// A cancelable is from context.WithCancelCause, so that contexts made of it
// need no goroutine to follow it.
type cancelable struct {
	context.Context
	end  context.CancelCauseFunc
	done <-chan struct{} // the parent's
}

// A localLock is what a local lock has of its own. It needs no timer and no goroutine:
// who waits, or looks at a context, sees to the end of what it waits for.
type localLock struct {
	mu     sync.Mutex
	holder *lease // nil: nobody holds it
	queue  fifo.List[*localWaiter]
	token  uint64 // the last one
	kept   bool   // released, but to be held for a while:
	until  int64  // until then, Mono
}

// A localWaiter is one that waits. look is told when it may be its turn.
type localWaiter struct {
	place fifo.Element[*localWaiter]
	look  chan struct{}
}

// fail returns an *Error about this lock.
func (l *Lock) fail(op string, err error) error {
	return &Error{Op: op, Alias: redact.Name(l.alias), Key: l.key, Err: err}
}

// A client is what this package keeps of one opened alias: its leases, its
// lines of waiters, and what is to be given back.
type client struct {
	opened *concurrent.Opened // nil for a local lock
	alias  string
	prefix string

	store     driver.Store
	waiter    driver.Waiter // nil where the store has none, like the next four
	keeper    driver.Keeper
	canKeep   driver.KeepChecker
	inspector driver.Inspector
	features  driver.Features
	inProcess *memory.Store // the store, if it is in this process: no reply travels there

	lease      time.Duration // the alias's
	checkEvery time.Duration // how often a lease without end is looked for, times three

	ids     idSlot
	wheel   *wheel.Wheel[*lease]
	renewer *keepalive.Renewer[*lease]
	lines   *waitline.Lines[*waitCall, *lease]
	cleanup *cleanup.Cleanup
	losses  losses
	events  events
	counts  counts
	keeps   atomic.Bool // keys can be kept: the store said so

	saysHeld atomic.Bool // the driver has said of a wait that the key is held

	closed    atomic.Bool // set once, by Drain
	abandoned bool        // what is granted from now on is given back; guarded by the wheel
	empty     chan struct{}
	once      sync.Once

	life     context.Context // ends when the client does
	end      context.CancelCauseFunc
	closing  context.Context // ends when Drain begins; waits end with it
	close    context.CancelCauseFunc
	tasks    taskGroup
	unnotify func()
	windows  atomic.Pointer[window]
}

// counts are an alias's.
type counts struct {
	load           atomic.Int64 // leases held, times 1<<32, and attempts under way
	waiting        atomic.Int64
	acquired       atomic.Uint64
	refused        atomic.Uint64
	lost           atomic.Uint64
	renewed        atomic.Uint64
	renewalsFailed atomic.Uint64
}

// A window is a context for calls that begin at about one time, so that each need
// not have a timer of its own.
type window struct {
	context.Context
	until int64 // calls that begin later need another one
}

// events are what happened by itself, to be told by a goroutine that nobody waits
// for: an observer that is slow, hangs or panics delays no lease.
type events struct {
	client *client

	mu      sync.Mutex
	running bool
	queue   []event
}

type event struct {
	ctx context.Context
	concurrent.Event
	done chan<- struct{} // closed when it was told; or nil
}

// losses finds the leases that the store says it lost. Leases are not indexed
// by owner, which every lock would pay for: all of them are looked through,
// once for all the losses that came together.
type losses struct {
	client *client

	mu      sync.Mutex
	running bool
	told    map[string]loss
	news    chan struct{} // something was told
}

type loss struct {
	driver.Loss
	tries int
	next  time.Time // when it is looked for
}
