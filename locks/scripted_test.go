package locks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// A step stands between package locks and the memory store: it decides when,
// and whether, do is carried out, and what its caller is told.
type step func(ctx context.Context, do func() error) error

// scripted is a memory store that a test can make lose, delay or refuse calls.
type scripted struct {
	*memory.Store

	mu                            sync.Mutex
	try, acquire, extend, release step
	calls                         map[string]int
	handed                        time.Duration // how long a brief lease is; 0: as long as was asked
}

func newScripted() *scripted {
	return &scripted{Store: memory.New(), calls: make(map[string]int)}
}

func (s *scripted) script(f func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *scripted) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[name]
}

func (s *scripted) play(ctx context.Context, name string, pick func() step, do func() error) error {
	s.mu.Lock()
	s.calls[name]++
	play := pick()
	s.mu.Unlock()
	if play == nil {
		return do()
	}
	return play(ctx, do)
}

func (s *scripted) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	return s.grant(ctx, "try", func() step { return s.try }, func() (driver.Grant, error) {
		return s.Store.TryAcquire(context.WithoutCancel(ctx), r)
	})
}

func (s *scripted) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	return s.grant(ctx, "acquire", func() step { return s.acquire }, func() (driver.Grant, error) {
		if !r.Brief || s.handed == 0 {
			return s.Store.Acquire(ctx, r)
		}
		r.Lease = s.handed
		g, err := s.Store.Acquire(ctx, r)
		g.Lease = s.handed
		return g, err
	})
}

func (s *scripted) grant(ctx context.Context, name string, pick func() step, do func() (driver.Grant, error)) (driver.Grant, error) {
	var g driver.Grant
	err := s.play(ctx, name, pick, func() (err error) {
		g, err = do()
		return err
	})
	if err != nil {
		return driver.Grant{}, err
	}
	return g, nil
}

func (s *scripted) Extend(ctx context.Context, r driver.Request) (sent time.Time, err error) {
	sent = time.Now()
	return sent, s.play(ctx, "extend", func() step { return s.extend }, func() error {
		_, err := s.Store.Extend(context.WithoutCancel(ctx), r)
		return err
	})
}

func (s *scripted) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent := time.Now()
	errs := make([]error, len(rs))
	for i, r := range rs {
		_, errs[i] = s.Extend(ctx, r)
	}
	return sent, errs
}

func (s *scripted) Release(ctx context.Context, r driver.Request) error {
	return s.play(ctx, "release", func() step { return s.release }, func() error {
		return s.Store.Release(context.WithoutCancel(ctx), r)
	})
}

var errLost = errors.New("reply lost")

// replyLost carries the call out and tells its caller that it failed.
func replyLost(_ context.Context, do func() error) error {
	_ = do()
	return errLost
}

// fails does not carry the call out.
func fails(context.Context, func() error) error { return driver.ErrUnavailable }

// hangs answers when its caller gives up.
func hangs(ctx context.Context, _ func() error) error {
	<-ctx.Done()
	return ctx.Err()
}

// after delays the reply, not the call.
func after(d time.Duration) step {
	return func(_ context.Context, do func() error) error {
		err := do()
		time.Sleep(d)
		return err
	}
}

// bench is a registry with one alias, "default", and what was observed there.
type bench struct {
	*concurrent.Registry
	store *scripted

	mu     sync.Mutex
	events []concurrent.Event
	down   bool // the test shut it down itself
}

func (b *bench) Observe(_ context.Context, e concurrent.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// saw returns the events of one kind.
func (b *bench) saw(kind concurrent.EventKind) []concurrent.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var of []concurrent.Event
	for _, e := range b.events {
		if e.Kind == kind {
			of = append(of, e)
		}
	}
	return of
}

func newBench(t *testing.T, config concurrent.Config) *bench {
	t.Helper()
	b := &bench{Registry: concurrent.NewRegistry(), store: newScripted()}
	config.Store = b.store
	if err := b.Configure(concurrent.Aliases{"default": config}); err != nil {
		t.Fatal(err)
	}
	b.Registry.Observe(b)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil && !b.down {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return b
}

func (b *bench) cache(key string, opts ...Option) *Lock {
	return Cache("default", key, append(opts, WithRegistry(b.Registry))...)
}

// free reports whether the store has no holder of key.
func (b *bench) free(t *testing.T, key string) bool {
	t.Helper()
	info, err := b.store.Inspect(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	return len(info.Holders) == 0
}

// in runs f in virtual time.
func in(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newBench(t, concurrent.Config{})) })
}

func mustAcquire(t *testing.T, l *Lock) {
	t.Helper()
	if err := l.Acquire(t.Context()); err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	if !l.Active() {
		t.Fatal("not Active after Acquire")
	}
}

func mustRelease(t *testing.T, l *Lock) {
	t.Helper()
	if err := l.Release(t.Context()); err != nil {
		t.Fatalf("Release: %v", err)
	}
	if l.Active() {
		t.Fatal("Active after Release")
	}
}

func wantIs(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error is %v, want one that matches %v", err, target)
		}
	}
}

func wantNot(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if errors.Is(err, target) {
			t.Errorf("error %v matches %v", err, target)
		}
	}
}
