package file

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A Store keeps locks in a directory. It is safe for concurrent use.
type Store struct {
	place    *place
	slot     *slot
	seat     seat
	polls    bool          // nobody tells when this store is called
	pace     time.Duration // of probe
	warnings []error

	ctx     context.Context // ends with closing
	cancel  context.CancelFunc
	closing <-chan struct{}
	calls   sync.WaitGroup // of the methods
	work    sync.WaitGroup // goroutines of the store
	kick    chan struct{}  // wakes probe

	mu        sync.Mutex
	closed    bool
	closeDone chan struct{}
	local     [shards]local
	waiters   int
	probing   bool
	probeAt   int64 // when probe looks next
	listeners []*listener
}

// local is what a Store knows of one state file. Guarded by Store.mu.
type local struct {
	line    []*waiter // in the order in which they came
	queued  bool      // somebody ever stood in it
	left    []name    // who gave up and stands in the state file's line still
	held    map[name]int64
	sweepAt int // size of held at which ended leases are forgotten
	serving bool
	again   bool
}

// A name identifies a lease; held has its end on the store's clock.
type name struct{ key, owner string }

var (
	_ driver.Store     = (*Store)(nil)
	_ driver.Waiter    = (*Store)(nil)
	_ driver.Batcher   = (*Store)(nil)
	_ driver.Keeper    = (*Store)(nil)
	_ driver.Inspector = (*Store)(nil)
	_ driver.Notifier  = (*Store)(nil)
	_ driver.Warner    = (*Store)(nil)
	_ driver.Pinger    = (*Store)(nil)
)

const (
	// spare is how many tokens a grant has beside its own.
	spare = 63

	// minLease: shorter ones would end while a busy machine runs other
	// programs.
	minLease = 10 * time.Millisecond

	// probeTime is how often a store with waiters looks whether a holder was
	// killed, which nobody tells.
	probeTime = 50 * time.Millisecond

	// pollTime is probeTime where nothing else wakes waiters.
	pollTime = 10 * time.Millisecond
)

func open(ctx context.Context, dir string) (*Store, error) {
	p, err := openPlace(ctx, dir)
	if err != nil {
		return nil, err
	}
	sl, err := claim(ctx, dir)
	if err != nil {
		p.close()
		return nil, err
	}
	s := &Store{place: p, slot: sl, seat: sl.seat, kick: make(chan struct{}, 1), closeDone: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.closing = s.ctx.Done()
	s.warnings = slices.Clone(p.warnings)
	p.mu.Lock()
	p.stores[sl.seat.slot] = s
	p.mu.Unlock()
	s.watch()
	if sl.orphaned {
		s.bury()
	}
	return s, nil
}

// watch has the store told when others call it, or has it look by itself.
func (s *Store) watch() {
	s.pace = probeTime
	if s.place.watch != nil {
		err := s.place.watch.add(s)
		if err == nil {
			return
		}
		s.warnings = append(s.warnings, fmt.Errorf("file: %s can't be watched, so waiters look every %v, and a broken lock is seen at its next renewal; raising fs.inotify.max_user_watches may prevent that: %w", s.slot.name, pollTime, err))
	}
	s.polls, s.pace = true, pollTime
}

// bury forgets what the last user of the slot, who was killed, left in the
// state files. Nobody takes it for alive, but where nobody asks for its keys it
// would stay. A file that is in use is left to another time.
func (s *Store) bury() {
	ctx, cancel := context.WithTimeout(s.ctx, 200*time.Millisecond)
	defer cancel()
	for i := range shards {
		_ = s.visit(ctx, i, func(v *visit) error {
			for _, p := range slices.Clone(v.sh.im.parked) {
				if _, err := v.entry(string(p.key)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// Features tells of tokens, of a line for those who wait through one Store, and
// that nothing arrives late. A call changes the state itself, and not once it has
// returned: one that gave up before it entered the state file has done nothing,
// and who gave up waiting is granted nothing any more, since it was taken out of
// local.line, where whoever grants looks first.
func (s *Store) Features() driver.Features {
	return driver.Features{Fencing: true, FIFO: true, MinLease: minLease, Ordered: true}
}

// Ping writes one state file anew, as it is: what keeps locks from being granted,
// such as a full disk or another directory in the place of this one, shows then.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	return s.visit(ctx, 0, func(v *visit) error {
		v.dirty = true
		return nil
	})
}

// Format prints a store as "file.Store", whatever the verb. What is in it is
// other goroutines' too, and package fmt would look at it without its mutex.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "file.Store") }

// Warnings tells of a file system that may be shared with other machines, and
// of a kernel that does not let the store watch its files.
func (s *Store) Warnings() []error { return slices.Clone(s.warnings) }

// begin counts a call in, to be counted out by s.calls.Done.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return driver.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

// hold notes a lease that was granted through this store.
func (s *Store) hold(i int, n name, until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.local[i]
	if l.held == nil {
		l.held = map[name]int64{}
	}
	l.held[n] = until
	if len(l.held) > max(l.sweepAt, 64) {
		now := bootTime()
		for n, t := range l.held {
			if t <= now {
				delete(l.held, n)
			}
		}
		l.sweepAt = 2 * len(l.held)
	}
}

// prolong notes the new end of a lease, if it was granted through this store.
func (s *Store) prolong(i int, n name, until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.local[i].held[n]; ok {
		s.local[i].held[n] = until
	}
}

// forget notes that a lease was given up.
func (s *Store) forget(i int, n name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.local[i].held, n)
}
