package locks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
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
