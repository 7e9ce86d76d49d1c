package locks

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

// away5 is a store 5 ms away.
func away5(ctx context.Context, do func() error) error {
	time.Sleep(2500 * time.Microsecond)
	err := do()
	time.Sleep(2500 * time.Microsecond)
	return err
}

// shareable are locks that many can have at once.
func shareable(r Option) map[string]func(opts ...Option) *Lock {
	return map[string]func(opts ...Option) *Lock{
		"read":   func(o ...Option) *Lock { return Read("default", "k", append(o, r)...) },
		"permit": func(o ...Option) *Lock { return Permit("default", "k", 1000, append(o, r)...) },
	}
}

// Those who can have a key together ask together, whether or not they would wait.
func TestCrowdOfAFreeKeyComesInTogether(t *testing.T) {
	for name := range shareable(nil) {
		for _, n := range []int{2, 200, 1000} {
			in(t, func(t *testing.T, b *bench) {
				b.store.script(func(s *scripted) { s.try, s.acquire = away5, away5 })
				make := shareable(WithRegistry(b.Registry))[name]
				began := time.Now()
				var all sync.WaitGroup
				for range n {
					l := make(WithWait(time.Minute))
					all.Go(func() {
						if err := l.Acquire(context.Background()); err != nil {
							t.Error(err)
							return
						}
						if took := time.Since(began); took > 10*time.Millisecond {
							t.Errorf("%d of %s: got after %v on a store 5ms away", n, name, took)
						}
						if l.Release(context.Background()) != nil {
							t.Error("lost")
						}
					})
				}
				all.Wait()
				if asked := b.store.count("try") + b.store.count("acquire"); asked > n {
					t.Errorf("%d of %s asked %d times", n, name, asked)
				}
			})
		}
	}
}

// So do those who waited for a writer, or for others, once the first is in.
func TestCrowdThatWaitedComesInTogether(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		const n = 200
		b.store.script(func(s *scripted) { s.try, s.acquire = away5, away5 })
		writer := Write("default", "k", WithRegistry(b.Registry))
		mustAcquire(t, writer)
		var waits []<-chan error
		var locks []*Lock
		for range n {
			l := Read("default", "k", WithRegistry(b.Registry), WithWait(time.Minute))
			locks, waits = append(locks, l), append(waits, queued(t, l))
		}
		time.Sleep(time.Second)
		began := time.Now()
		mustRelease(t, writer)
		for _, w := range waits {
			if err := <-w; err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 25*time.Millisecond {
			t.Errorf("%d readers came in after %v", n, took)
		}
		for _, l := range locks {
			mustRelease(t, l)
		}
	})
}

// One value that many goroutines use asks the store once for each that gets it, and
// tells as much.
func TestCrowdOnOneValue(t *testing.T) {
	for name := range shareable(nil) {
		in(t, func(t *testing.T, b *bench) {
			const n = 400
			l := shareable(WithRegistry(b.Registry))[name](WithWait(time.Hour))
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if err := l.Acquire(context.Background()); err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Millisecond)
					if err := l.Release(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if asked := b.store.count("try") + b.store.count("acquire"); asked > n {
				t.Errorf("%s: %d goroutines asked %d times", name, n, asked)
			}
			if got, released := len(b.saw(concurrent.EventAcquired)), len(b.saw(concurrent.EventReleased)); got != n || released != n {
				t.Errorf("%s: told of %d acquired and %d released", name, got, released)
			}
			if waited := len(b.saw(concurrent.EventWaiting)); waited > n {
				t.Errorf("%s: told of %d waits", name, waited)
			}
		})
	}
}

// Who waits for a value that another goroutine has waits no longer than asked, and not
// past a Shutdown.
func TestCrowdOnOneValueEndsItsWaits(t *testing.T) {
	for name := range shareable(nil) {
		in(t, func(t *testing.T, b *bench) {
			const n = 100
			l := shareable(WithRegistry(b.Registry))[name](WithWait(3 * time.Second))
			mustAcquire(t, l)
			crowd := func() (waits []<-chan error) {
				for range n {
					waits = append(waits, meanwhile(func() error { return l.Acquire(context.Background()) }))
				}
				synctest.Wait()
				return waits
			}
			began := time.Now()
			for _, w := range crowd() {
				wantIs(t, <-w, ErrLockActive)
			}
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("%s: a wait of 3s took %v", name, took)
			}
			waits := crowd()
			began = time.Now()
			down := meanwhile(func() error { return b.Shutdown(context.Background()) })
			for _, w := range waits {
				err := <-w
				wantIs(t, err, ErrLockAcquire, ErrClosed)
				wantNot(t, err, ErrLockActive)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("%s: a Shutdown ended the waits after %v", name, took)
			}
			mustRelease(t, l)
			if err := <-down; err != nil {
				t.Error(err)
			}
			if asked := b.store.count("try") + b.store.count("acquire"); asked > 2 {
				t.Errorf("%s: the store was asked %d times", name, asked)
			}
		})
	}
}
