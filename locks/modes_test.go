package locks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadersAndWriters(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		opts := []Option{WithRegistry(b.Registry), WithWait(time.Minute)}
		one, two, writer := Read("default", "k", opts...), Read("default", "k", opts...), Write("default", "k", opts...)
		mustAcquire(t, one)
		mustAcquire(t, two)
		wrote := meanwhile(func() error { return writer.Acquire(t.Context()) })
		synctest.Wait()
		if got, err := Read("default", "k", WithRegistry(b.Registry)).TryAcquire(t.Context()); got || err != nil {
			t.Errorf("a reader was let in before a waiting writer: %t, %v", got, err)
		}
		mustRelease(t, one)
		mustRelease(t, two)
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		if got, err := b.cache("k").TryAcquire(t.Context()); got || err != nil {
			t.Errorf("Cache beside Write: %t, %v", got, err)
		}
		mustRelease(t, writer)
	})
}

func TestPermits(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var held []*Lock
		for range 3 {
			l := Permit("default", "k", 3, WithRegistry(b.Registry))
			mustAcquire(t, l)
			held = append(held, l)
		}
		fourth := Permit("default", "k", 3, WithRegistry(b.Registry), WithWait(time.Minute))
		done := meanwhile(func() error { return fourth.Acquire(t.Context()) })
		time.Sleep(time.Second)
		mustRelease(t, held[1])
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, l := range []*Lock{held[0], held[2], fourth} {
			mustRelease(t, l)
		}
		for _, n := range []int{0, -1, 1<<16 + 1} {
			wantIs(t, Permit("default", "k", n, WithRegistry(b.Registry)).Acquire(t.Context()), ErrInvalidOption)
		}
	})
}

// A value holds one lease at most, also in the modes of which the store would
// give it several.
func TestSharedValuesHoldOneLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for name, l := range map[string]*Lock{
			"read":   Read("default", "r", WithRegistry(b.Registry), WithWait(time.Minute)),
			"permit": Permit("default", "p", 3, WithRegistry(b.Registry), WithWait(time.Minute)),
		} {
			mustAcquire(t, l)
			if got, err := l.TryAcquire(t.Context()); got || err != nil {
				t.Errorf("%s: a second lease: %t, %v", name, got, err)
			}
			began := time.Now()
			wantIs(t, l.Acquire(t.Context()), ErrLockActive)
			if waited := time.Since(began); waited != time.Minute {
				t.Errorf("%s: waited for %v for the value's own lease, want a minute", name, waited)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			wantIs(t, l.Acquire(ctx), ErrLockActive, context.DeadlineExceeded)
			cancel()
			time.AfterFunc(time.Second, func() { mustRelease(t, l) })
			if err := l.Acquire(t.Context()); err != nil {
				t.Errorf("%s: once the lease was given back: %v", name, err)
			}
			mustRelease(t, l)
		}
	})
}

// A key is used in one way at a time: the other ways are refused, never
// granted beside it.
func TestAKeyUsedInTwoWays(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		ways := map[string]func() *Lock{
			"cache":    func() *Lock { return b.cache("k") },
			"write":    func() *Lock { return Write("default", "k", r) },
			"read":     func() *Lock { return Read("default", "k", r) },
			"permit 2": func() *Lock { return Permit("default", "k", 2, r) },
			"permit 3": func() *Lock { return Permit("default", "k", 3, r) },
		}
		for first, one := range ways {
			for second, two := range ways {
				holder, other := one(), two()
				mustAcquire(t, holder)
				err := other.Acquire(t.Context())
				beside := first == "read" && second == "read" || first[0] == 'p' && second[0] == 'p'
				if beside != (err == nil) {
					t.Errorf("%s beside %s: %v", second, first, err)
				}
				if err == nil {
					mustRelease(t, other)
				} else if !errors.Is(err, ErrLockActive) && !errors.Is(err, ErrInvalidRequest) {
					t.Errorf("%s beside %s: %v", second, first, err)
				}
				mustRelease(t, holder)
			}
		}
	})
}

// At most n permits are held at once, whatever the crowd.
func TestPermitsAreNeverExceeded(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		inside, most := 0, 0
		var mu sync.Mutex
		var all []<-chan error
		for i := range 50 {
			l := Permit("default", "k", 4, WithRegistry(b.Registry), WithWait(Forever))
			all = append(all, meanwhile(func() error {
				return l.Do(t.Context(), func(context.Context) error {
					mu.Lock()
					inside++
					most = max(most, inside)
					mu.Unlock()
					time.Sleep(time.Duration(i%5+1) * time.Millisecond)
					mu.Lock()
					inside--
					mu.Unlock()
					return nil
				})
			}))
		}
		for _, done := range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if most != 4 {
			t.Errorf("%d inside at once, want 4", most)
		}
	})
}

// A permit's token is there for Inspect; an exclusive grant's is larger than
// those of all readers before it.
func TestWritersTokenIsLargerThanReaders(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		var largest uint64
		for range 5 {
			readers := []*Lock{Read("default", "k", r), Read("default", "k", r)}
			for _, l := range readers {
				mustAcquire(t, l)
				largest = max(largest, l.Token())
			}
			releaseAll(t, readers)
			writer := Write("default", "k", r)
			mustAcquire(t, writer)
			if writer.Token() <= largest {
				t.Errorf("a writer has token %d after a reader's %d", writer.Token(), largest)
			}
			largest = writer.Token()
			mustRelease(t, writer)
		}
	})
}
