package locks

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// doubtful has an Acquire of key fail whose grant the store never saw, and
// returns when the releases of it came, counted from then.
func doubtful(t *testing.T, b *bench, opts ...Option) func() []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var tries []time.Duration
	began := time.Now()
	b.store.script(func(s *scripted) {
		s.try = fails
		release := s.release
		s.release = func(ctx context.Context, do func() error) error {
			mu.Lock()
			tries = append(tries, time.Since(began))
			mu.Unlock()
			if release != nil {
				return release(ctx, do)
			}
			return do()
		}
	})
	wantIs(t, b.cache("k", opts...).Acquire(t.Context()), ErrLockAcquire, ErrUnavailable)
	b.store.script(func(s *scripted) { s.try = nil })
	return func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(tries)
	}
}

// That nothing is held is not the last word as long as the request may be on
// its way: the release is sent again, at growing pauses, until the lease that
// was asked for could no longer be held, and no more after that.
func TestGivingBackIsRepeatedWhileARequestMayArrive(t *testing.T) {
	for name, test := range map[string]struct {
		opt  Option
		want time.Duration // at least as long, and not much longer
	}{
		"a lease of 10 s":     {WithExpire(10 * time.Second), 10 * time.Second},
		"a lease of a day":    {WithExpire(24 * time.Hour), travel},
		"a lease without end": {WithExpire(Forever), travel},
	} {
		in(t, func(t *testing.T, b *bench) {
			released := doubtful(t, b, test.opt)
			time.Sleep(time.Hour)
			tries := released()
			if len(tries) < 3 || tries[0] != 0 {
				t.Fatalf("%s: releases after %v", name, tries)
			}
			if last := tries[len(tries)-1]; last < test.want || last > test.want+givesBackMost {
				t.Errorf("%s: the last release came after %v, want %v or a little more", name, last, test.want)
			}
			for i, at := range tries[1:] {
				if pause, want := at-tries[i], min(givesBackFirst<<i, givesBackMost); pause > want || pause < want*3/4 {
					t.Errorf("%s: pause %d is %v, want %v", name, i, pause, want)
				}
			}
			time.Sleep(24 * time.Hour)
			if n := len(released()); n != len(tries) {
				t.Errorf("%s: %d more releases, much later", name, n-len(tries))
			}
		})
	}
}

// A release that the store confirmed is the end of it.
func TestGivingBackEndsWithTheRelease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try = replyLost })
		wantIs(t, b.cache("k").Acquire(t.Context()), ErrLockAcquire, errLost)
		time.Sleep(time.Hour)
		if n := b.store.count("release"); n != 1 || !b.free(t, "k") {
			t.Errorf("%d releases, free: %t", n, b.free(t, "k"))
		}
	})
}

// While the store can't be reached, giving back goes on as long as the lease
// may be held there, and not longer: for ever, if it has no end.
func TestGivingBackToAStoreThatIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		opt    Option
		lasts  time.Duration
		beyond bool
	}{
		"a lease of 10 s":     {WithExpire(10 * time.Second), 20 * time.Second, false},
		"a lease without end": {WithExpire(Forever), time.Hour, true},
	} {
		in(t, func(t *testing.T, b *bench) {
			b.store.script(func(s *scripted) { s.release = fails })
			released := doubtful(t, b, test.opt)
			time.Sleep(test.lasts - givesBackMost)
			before := len(released())
			time.Sleep(2 * givesBackMost)
			tries := len(released())
			if tries == before {
				t.Errorf("%s: given up before it ended", name)
			}
			time.Sleep(time.Hour)
			if n := len(released()); (n > tries) != test.beyond {
				t.Errorf("%s: %d releases after it ended", name, n-tries)
			}
			b.store.script(func(s *scripted) { s.release = nil })
			time.Sleep(time.Minute)
		})
	}
}

// A release that hangs is given up after a second: others wait for it.
func TestGivingBackIsBounded(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try, s.release = replyLost, hangs })
		wantIs(t, b.cache("one", WithKeepAlive(time.Hour)).Acquire(t.Context()), ErrLockAcquire)
		wantIs(t, b.cache("two", WithKeepAlive(time.Hour)).Acquire(t.Context()), ErrLockAcquire)
		b.store.script(func(s *scripted) { s.try = nil })
		time.Sleep(time.Minute)
		if n := b.store.count("release"); n < 15 {
			t.Errorf("%d tries in a minute", n)
		}
		b.store.script(func(s *scripted) { s.release = nil })
		time.Sleep(10 * time.Second)
		if !b.free(t, "one") || !b.free(t, "two") {
			t.Error("not given back when the store answered again")
		}
	})
}

// A store that was closed has given back what it held.
func TestNothingIsGivenBackToAClosedStore(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try = fails })
		wantIs(t, b.cache("k").Acquire(t.Context()), ErrLockAcquire)
		if err := b.store.Close(); err != nil {
			t.Fatal(err)
		}
		b.store.script(func(s *scripted) { s.try = nil })
		time.Sleep(time.Hour)
		if n := b.store.count("release"); n > 2 {
			t.Errorf("%d releases on a closed store", n)
		}
		err := b.cache("k").Acquire(t.Context())
		wantIs(t, err, ErrLockAcquire, ErrClosed)
		wantIs(t, b.cache("k", WithWait(Forever)).Acquire(t.Context()), ErrLockAcquire, ErrClosed)
	})
}

// Shutdown does not wait for what can't be given back.
func TestShutdownEndsGivingBack(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try, s.release = replyLost, hangs })
		wantIs(t, b.cache("k", WithExpire(Forever)).Acquire(t.Context()), ErrLockAcquire)
		time.Sleep(time.Millisecond)
		began := time.Now()
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Shutdown took %v", took)
		}
	})
}

// Who waits in the store and gives up may have been granted the key at that
// moment: it is given back, and goes to the next.
func TestGrantThatComesAfterTheWaiterGaveUp(t *testing.T) {
	for name, ends := range map[string]func(t *testing.T, b *bench) (error, error){
		"cancelled": func(t *testing.T, b *bench) (error, error) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return b.cache("k", WithWait(Forever)).Acquire(ctx), context.DeadlineExceeded
		},
		"wait over": func(t *testing.T, b *bench) (error, error) {
			t.Helper()
			return b.cache("k", WithWait(10*time.Second)).Acquire(t.Context()), ErrUnavailable
		},
	} {
		in(t, func(t *testing.T, b *bench) {
			var granted bool
			b.store.script(func(s *scripted) {
				s.acquire = func(ctx context.Context, do func() error) error {
					granted = do() == nil // the reply stays away
					return hangs(ctx, do)
				}
			})
			err, want := ends(t, b)
			wantIs(t, err, want)
			if !granted {
				t.Fatalf("%s: not granted: there is nothing to see", name)
			}
			b.store.script(func(s *scripted) { s.acquire = nil })
			next := b.cache("k", WithWait(10*time.Second))
			began := time.Now()
			mustAcquire(t, next)
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: the next waited for %v", name, took)
			}
			mustRelease(t, next)
		})
	}
}

// The pauses of package cleanup, as they are documented there.
const (
	givesBackFirst = 50 * time.Millisecond
	givesBackMost  = 5 * time.Second
)
