package locks

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

func TestEvents(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		token := l.Token()
		_ = b.cache("k").Acquire(t.Context())
		_ = b.cache("k", WithWait(time.Second)).Acquire(t.Context())
		waiting := meanwhile(func() error { return b.cache("k", WithWait(time.Second)).Acquire(t.Context()) })
		synctest.Wait()
		_ = b.cache("k", WithWait(time.Second)).Acquire(t.Context())
		wantIs(t, <-waiting, ErrLockActive)
		time.Sleep(15 * time.Second)
		b.store.script(func(s *scripted) { s.extend = fails })
		time.Sleep(8 * time.Second)
		b.store.script(func(s *scripted) { s.extend = nil })
		time.Sleep(20 * time.Second)
		mustRelease(t, l)
		lost := b.cache("lost", WithExpire(time.Second))
		mustAcquire(t, lost)
		time.Sleep(time.Minute)
		wantIs(t, lost.Release(t.Context()), ErrLockExpired)

		for kind, least := range map[concurrent.EventKind]int{
			concurrent.EventAcquired: 2, concurrent.EventRefused: 4, concurrent.EventWaiting: 1, concurrent.EventRenewed: 2,
			concurrent.EventRenewalFailed: 1, concurrent.EventReleased: 1, concurrent.EventLost: 1,
		} {
			events := b.saw(kind)
			if len(events) < least {
				t.Errorf("%v: %d events, want %d at least", kind, len(events), least)
				continue
			}
			e := events[0]
			if e.Alias != "default" || e.Key == "" {
				t.Errorf("%v is about %q on %q", kind, e.Key, e.Alias)
			}
			failed := kind == concurrent.EventRefused || kind == concurrent.EventRenewalFailed || kind == concurrent.EventLost
			if failed != (e.Err != nil) {
				t.Errorf("%v has error %v", kind, e.Err)
			}
		}
		if e := b.saw(concurrent.EventAcquired)[0]; e.Token != token {
			t.Errorf("acquired with token %d, told is %d", token, e.Token)
		}
		if e := b.saw(concurrent.EventLost)[0]; !errors.Is(e.Err, ErrLockExpired) {
			t.Errorf("lost because of %v", e.Err)
		}
	})
}

// Taking and giving back costs few allocations, and an observer nothing where
// there is none.
func TestAllocations(t *testing.T) {
	r := memoryRegistry(t)
	ctx := context.Background()
	for name, test := range map[string]struct {
		lock *Lock
		most float64
	}{
		"memory":     {Cache("default", "k", WithRegistry(r)), 2},
		"may wait":   {Cache("default", "w", WithRegistry(r), WithWait(Forever)), 2},
		"local":      {Local(), 1},
		"expires":    {Cache("default", "e", WithRegistry(r), WithExpire(time.Minute)), 2},
		"with label": {Cache("default", "l", WithRegistry(r), WithLabel("l")), 2},
	} {
		got := testing.AllocsPerRun(1000, func() {
			if err := test.lock.Acquire(ctx); err != nil {
				t.Fatal(err)
			}
			if err := test.lock.Release(ctx); err != nil {
				t.Fatal(err)
			}
		})
		if got > test.most {
			t.Errorf("%s: %v allocations, want %v at most", name, got, test.most)
		}
	}
}

// Every Acquire that waits says so once, in line or in the store, before it
// says how that ended; one that need not wait does not.
func TestWaitingIsToldOnce(t *testing.T) {
	for name, store := range map[string]func(*memory.Store) driver.Store{
		"a store that waits": func(s *memory.Store) driver.Store { return s },
		"one that can't":     func(s *memory.Store) driver.Store { return polling{s} },
		"one that is asked":  func(s *memory.Store) driver.Store { return &renewing{Store: s} },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{Registry: concurrent.NewRegistry()}
			b.Registry.Observe(b)
			if err := b.Configure(concurrent.Aliases{"default": {Store: store(memory.New())}}); err != nil {
				t.Fatal(err)
			}
			free := b.cache("free", WithWait(time.Minute))
			mustAcquire(t, free)
			mustRelease(t, free)
			if n := len(b.saw(concurrent.EventWaiting)); n != 0 {
				t.Errorf("%s: told of %d waits for a key that was free", name, n)
			}
			holder := b.cache("k", WithWait(Forever))
			mustAcquire(t, holder)
			wantIs(t, b.cache("k").Acquire(t.Context()), ErrLockActive)
			first, second := b.cache("k", WithWait(Forever)), b.cache("k", WithWait(time.Second))
			one, two := queued(t, first), queued(t, second)
			wantIs(t, <-two, ErrLockActive)
			time.Sleep(time.Minute)
			mustRelease(t, holder)
			if err := <-one; err != nil {
				t.Fatal(err)
			}
			mustRelease(t, first)
			var course []concurrent.EventKind
			for _, e := range b.events {
				if e.Key == "k" && e.Kind != concurrent.EventRenewed {
					course = append(course, e.Kind)
				}
			}
			want := []concurrent.EventKind{
				concurrent.EventAcquired, concurrent.EventRefused, concurrent.EventWaiting, concurrent.EventWaiting,
				concurrent.EventRefused, concurrent.EventReleased, concurrent.EventAcquired, concurrent.EventReleased,
			}
			if !slices.Equal(sorted(course), sorted(want)) {
				t.Errorf("%s: told of %v, want %v", name, course, want)
			}
			if at := slices.Index(course, concurrent.EventWaiting); at != 2 {
				t.Errorf("%s: waiting was told at %d of %v", name, at, course)
			}
			if err := b.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func sorted(kinds []concurrent.EventKind) []concurrent.EventKind {
	return slices.Sorted(slices.Values(kinds))
}

// How long it took is told where the kind says so.
func TestEventsTellHowLong(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) {
			s.try, s.extend, s.release = after(time.Second), after(2*time.Second), after(3*time.Second)
		})
		l := b.cache("k")
		mustAcquire(t, l)
		wantIs(t, b.cache("k").Acquire(t.Context()), ErrLockActive)
		wantIs(t, b.cache("k", WithWait(time.Minute)).Acquire(t.Context()), ErrLockActive)
		if err := l.Extend(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		token := l.Token()
		mustRelease(t, l)
		for _, test := range []struct {
			kind  concurrent.EventKind
			nth   int
			took  time.Duration
			token uint64
			err   error
		}{
			{concurrent.EventAcquired, 0, time.Second, token, nil},
			{concurrent.EventRefused, 0, time.Second, 0, ErrLockActive},
			{concurrent.EventRefused, 1, time.Minute, 0, ErrLockActive},
			{concurrent.EventWaiting, 0, 0, 0, nil},
			{concurrent.EventRenewed, 0, 2 * time.Second, token, nil},
			{concurrent.EventReleased, 0, 3 * time.Second, token, nil},
		} {
			events := b.saw(test.kind)
			if len(events) <= test.nth {
				t.Errorf("%v: %d events", test.kind, len(events))
				continue
			}
			e := events[test.nth]
			if e.Took != test.took || e.Token != test.token || !errors.Is(e.Err, test.err) || e.Alias != "default" || e.Key != "k" {
				t.Errorf("%v: %+v, want %v, token %d, %v", test.kind, e, test.took, test.token, test.err)
			}
		}
	})
}

// A loss that Release finds is told too, and a failed Release is no release.
func TestEventsOfReleases(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.release = func(context.Context, func() error) error { return ErrNotHeld } })
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		lost := b.saw(concurrent.EventLost)
		if len(lost) != 1 || !errors.Is(lost[0].Err, ErrNotHeld) || lost[0].Token == 0 {
			t.Errorf("told of %+v", lost)
		}
		b.store.script(func(s *scripted) { s.release = nil })
		if _, err := b.store.Break(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.release = fails })
		wantIs(t, l.Release(t.Context()), ErrLockRelease)
		if told := b.saw(concurrent.EventReleased); len(told) != 1 || !errors.Is(told[0].Err, ErrLockRelease) {
			t.Errorf("told of %+v, want one release that was not confirmed", told)
		}
		b.store.script(func(s *scripted) { s.release = nil })
	})
}

// The prefix is the alias's own business, also in events.
func TestEventsShowKeysAsTheyWereGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Prefix: "billing:"})
		l := b.cache("k", WithWait(time.Second))
		mustAcquire(t, l)
		wantIs(t, b.cache("k", WithWait(time.Second)).Acquire(t.Context()), ErrLockActive)
		time.Sleep(time.Minute)
		mustRelease(t, l)
		for _, e := range b.events {
			if e.Key != "k" {
				t.Errorf("%v of %q", e.Kind, e.Key)
			}
		}
		if len(b.events) < 5 {
			t.Errorf("%d events", len(b.events))
		}
	})
}

// An observer that is added later is told from then on, and a local lock tells
// nobody.
func TestObserverAddedLater(t *testing.T) {
	r := memoryRegistry(t)
	l := Cache("default", "k", WithRegistry(r))
	mustAcquire(t, l)
	b := &bench{}
	r.Observe(b)
	mustRelease(t, l)
	concurrent.Observe(b)
	mustAcquire(t, Local())
	if len(b.events) != 1 || b.events[0].Kind != concurrent.EventReleased {
		t.Errorf("told of %+v", b.events)
	}
}
