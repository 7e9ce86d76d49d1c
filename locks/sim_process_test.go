package locks

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// A process is a registry of its own, and its way to the server.
//
// It can crash: then it sends and hears nothing more, and its holders are
// dead, whatever its goroutines still do. It can be cut off: messages wait in
// both directions. It can be frozen: cut off, and its actors do nothing. What
// is not frozen then are the timers of the code under test: Go can't stop
// those of a part of a program. They see the clock go on and end what is over,
// which a process that is really stopped does only when it goes on. That case
// is simulated for all processes at once: see world.suspend.
type process struct {
	world    *world
	name     string
	registry *concurrent.Registry
	kind     int
	dead     context.Context // ends when the process crashes
	kill     context.CancelFunc
	owners   map[string]int // that the server knows, numbered
	lane     []*parcel      // requests on their way, where they are ordered

	watcher *watcher                 // nil: nobody is told
	calls   map[*call]bool           // under way; guarded by checks.mu
	said    map[string]time.Duration // when it last heard that a key is held; guarded by checks.mu

	generation atomic.Int32 // of the alias, which may be removed

	variables map[string]*actor // by key: whose lock is used by others too

	cutTo   time.Duration
	thaw    atomic.Int64 // frozen until then
	closing bool         // its alias is being shut down or removed
	shut    bool         // for good
	notify  atomic.Pointer[func(driver.Loss)]
}

// The kinds of stores.
const (
	bareKind    = iota // only what every store can do
	waitingKind        // and waits
	fullKind           // extends many at once, keeps and tells of losses too
	kinds
)

// start starts a process, whose store is of the given kind.
func (w *world) start(kind int) *process {
	p := &process{
		world: w, name: fmt.Sprint("p", len(w.processes)), registry: concurrent.NewRegistry(), kind: kind,
		owners: make(map[string]int), variables: make(map[string]*actor),
		calls: make(map[*call]bool), said: make(map[string]time.Duration),
	}
	p.dead, p.kill = context.WithCancel(w.over)
	p.configure()
	p.watch()
	w.processes = append(w.processes, p)
	return p
}

// configure gives the registry its alias.
func (p *process) configure() {
	store := []driver.Store{p, waitingStore{p}, fullStore{waitingStore{p}}}[p.kind]
	err := p.registry.Configure(concurrent.Aliases{"a": {Store: store, Lease: simLease}})
	if err != nil {
		p.world.t.Fatal(err)
	}
}

// lives reports whether actors can begin something new in p.
func (p *process) lives() bool { return p.dead.Err() == nil && !p.closing }

func (p *process) crash() {
	w := p.world
	w.note(p.name, "crashes", "", 0)
	p.kill()
	w.in(w.upTo(2*time.Second), func() { w.server.cutOff(p) })
}

// cutOff has the server notice that a process is gone, or its connections are.
func (s *server) cutOff(p *process) {
	for _, key := range simKeys {
		for _, c := range s.entry(key).waits {
			if c.process == p {
				defer c.breaks()
			}
		}
	}
}

// shutDown ends a process as a program does that is told to.
func (p *process) shutDown(patience time.Duration) {
	p.shut = true
	p.ends("is shut down", patience, p.registry.Shutdown, func() {})
}

// remove ends the use of the alias, which is configured again then.
func (p *process) remove(patience time.Duration) {
	remove := func(ctx context.Context) error { return p.registry.Remove(ctx, "a") }
	p.ends("removes its alias", patience, remove, func() {
		p.generation.Add(1)
		if p.closing = p.shut; !p.shut {
			p.configure()
		}
	})
}

func (p *process) ends(how string, patience time.Duration, end func(context.Context) error, then func()) {
	w := p.world
	w.note(p.name, how, "", 0)
	p.closing = true
	ctx, cancel := context.WithTimeout(w.over, patience)
	began := w.now()
	go func() {
		defer cancel()
		err := end(ctx)
		took := w.now() - began
		w.inbox.put(func() string { return p.name }, func() {
			w.checks.closedInTime(p, patience, took)
			w.checks.closed(p, err)
			then()
		})
	}()
}

// loses tells the process of a loss.
func (p *process) loses(d driver.Loss) {
	p.world.in(p.world.delay(), func() {
		p.reach(func() {
			if notify := p.notify.Load(); notify != nil {
				(*notify)(d)
			}
		})
	})
}

func (p *process) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	_, a := p.ask(ctx, "try", r)
	return a.grant, a.err
}

func (p *process) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	sent, a := p.ask(ctx, "extend", r)
	return sent, a.err
}

func (p *process) Release(ctx context.Context, r driver.Request) error {
	_, a := p.ask(ctx, "release", r)
	return a.err
}

func (p *process) Features() driver.Features {
	return driver.Features{Fencing: true, MinLease: p.world.server.least, Ordered: p.world.server.ordered}
}

func (p *process) Close() error { return nil }

var (
	_ driver.Store    = (*process)(nil)
	_ driver.Waiter   = waitingStore{}
	_ driver.Batcher  = fullStore{}
	_ driver.Keeper   = fullStore{}
	_ driver.Notifier = fullStore{}
)

type waitingStore struct{ *process }

func (s waitingStore) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	_, a := s.ask(ctx, "wait", r)
	return a.grant, a.err
}

type fullStore struct{ waitingStore }

func (s fullStore) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent, a := s.ask(ctx, "extend all", append([]driver.Request(nil), rs...)...) // the caller reuses rs
	if a.err != nil {
		a.errs = make([]error, len(rs))
		for i := range a.errs {
			a.errs[i] = a.err
		}
	}
	return sent, a.errs
}

func (s fullStore) Keep(ctx context.Context, r driver.Request) error {
	_, a := s.ask(ctx, "keep", r)
	return a.err
}

func (s fullStore) NotifyLost(f func(driver.Loss)) func() {
	s.notify.Store(&f)
	return func() { s.notify.Store(nil) }
}
