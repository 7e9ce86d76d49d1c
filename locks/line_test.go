package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/locks/internal/waitline"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// queued has a lock waited for, and returns when it stands in line.
func queued(t *testing.T, l *Lock) <-chan error {
	t.Helper()
	done := meanwhile(func() error { return l.Acquire(context.Background()) })
	synctest.Wait()
	return done
}

// lineOf has a lease got through a line, so that it can be passed on, and n
// that wait for it in order.
func lineOf(t *testing.T, b *bench, n int, opts ...Option) (*Lock, []*Lock, []<-chan error) {
	t.Helper()
	opts = append(opts, WithWait(Forever))
	holder := b.cache("k", opts...)
	mustAcquire(t, holder)
	var locks []*Lock
	var done []<-chan error
	for range n {
		l := b.cache("k", opts...)
		locks, done = append(locks, l), append(done, queued(t, l))
	}
	return holder, locks, done
}

// A release in the process passes the lease on, with the next token, and the
// store hears nothing of it.
func TestLeaseGoesDownTheLine(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 3)
		asked, token := b.store.count("acquire"), holder.Token()
		for i, l := range locks {
			mustRelease(t, holder)
			if err := <-done[i]; err != nil {
				t.Fatal(err)
			}
			if l.Token() != token+1 {
				t.Errorf("token %d after %d, want the next", l.Token(), token)
			}
			holder, token = l, l.Token()
		}
		if n := b.store.count("acquire") - asked; n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
		if n := b.store.count("release"); n != 0 {
			t.Errorf("the store was told %d times", n)
		}
		mustRelease(t, holder)
		if !b.free(t, "k") {
			t.Error("held after the last release")
		}
	})
}

// After ten milliseconds, or as many holders as there are tokens, the key goes
// back to the store, so that other processes get their turn.
func TestOthersGetTheirTurn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 70)
		passed := 0
		for i, l := range locks {
			before := b.store.count("release")
			mustRelease(t, holder)
			if err := <-done[i]; err != nil {
				t.Fatal(err)
			}
			if holder = l; b.store.count("release") == before {
				passed++
			} else if passed != 63 {
				t.Errorf("passed on %d times, the memory store gives 63 spare tokens", passed)
			}
		}
		if passed != 69 {
			t.Errorf("%d of 70 were passed on, want all but one", passed)
		}
		mustRelease(t, holder)
	})
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 2)
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		time.Sleep(waitline.HandOffFor)
		synctest.Wait() // the head asks the store now
		before := b.store.count("release")
		mustRelease(t, locks[0])
		if err := <-done[1]; err != nil {
			t.Fatal(err)
		}
		if b.store.count("release") == before {
			t.Error("passed on after ten milliseconds")
		}
		mustRelease(t, locks[1])
	})
}

// A lease that is to be kept is never passed on, nor one to somebody with
// another label, whom Inspect would not show.
func TestNotPassedOn(t *testing.T) {
	for name, opts := range map[string][2][]Option{
		"keep":     {{WithExpire(time.Second), WithKeep()}, {WithExpire(time.Second)}},
		"min hold": {{WithMinHold(time.Second)}, nil},
		"label":    {{WithLabel("one")}, {WithLabel("other")}},
	} {
		in(t, func(t *testing.T, b *bench) {
			first := b.cache("k", append(opts[0], WithWait(Forever))...)
			mustAcquire(t, first)
			second := b.cache("k", append(opts[1], WithWait(Forever))...)
			done := queued(t, second)
			token := first.Token()
			mustRelease(t, first)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if second.Token() <= token+1 {
				t.Errorf("%s: passed on", name)
			}
			mustRelease(t, second)
		})
	}
}

// Who gives up at the moment of its turn passes the lease on to the next.
func TestGivingUpAtOnesTurn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		a := holder.attempt(t.Context(), Forever, holder.self)
		w := &waitCall{attempt: a, rl: holder.resolved.Load()}
		c := w.rl.client
		w.waiter.Init(w)
		ln, ask := c.lines.Join("k", holder.mode, &w.waiter)
		if ln == nil || ask {
			t.Fatalf("Join: %v, %t", ln, ask)
		}
		w.line = ln
		third := b.cache("k", WithWait(Forever))
		done := queued(t, third)
		if err := c.enter(); err != nil { // as acquiring does
			t.Fatal(err)
		}
		mustRelease(t, holder)
		w.quit()
		c.leave(1)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		mustRelease(t, third)
		if !b.free(t, "k") {
			t.Error("held after all")
		}
	})
}

// A lease that ends while others wait for it here goes to one of them.
func TestWaitersOfALostLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever), WithExpire(time.Second))
		mustAcquire(t, holder)
		next := b.cache("k", WithWait(Forever))
		done := queued(t, next)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantIs(t, holder.Release(t.Context()), ErrLockExpired)
		mustRelease(t, next)
		if events := b.saw(concurrent.EventLost); len(events) != 1 {
			t.Errorf("lost %d times", len(events))
		}
	})
}

// A lease of which little is left is not passed on.
func TestOldLeaseIsNotPassedOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		short := WithExpire(16 * time.Millisecond)
		holder, locks, done := lineOf(t, b, 1, short)
		time.Sleep(7 * time.Millisecond)
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("release"); n != 1 {
			t.Errorf("%d releases: passed on with less than half of it left", n)
		}
		mustRelease(t, locks[0])
	})
}

// A key that is broken while its lease goes from hand to hand is lost to whom
// has it then.
func TestBreakOfAPassedLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 2)
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if _, err := b.store.Break(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if err := <-done[1]; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if locks[0].Active() || !locks[1].Active() || locks[1].Token() <= locks[0].Token() {
			t.Errorf("active %t and %t, tokens %d and %d", locks[0].Active(), locks[1].Active(), locks[0].Token(), locks[1].Token())
		}
		wantIs(t, locks[0].Release(t.Context()), ErrLockLost)
		mustRelease(t, locks[1])
	})
}

// Shared leases and permits are not passed on: each has a lease of its own.
func TestSharedLeasesAreNotPassedOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		opts := []Option{WithRegistry(b.Registry), WithWait(Forever)}
		one, two := Permit("default", "k", 1, opts...), Permit("default", "k", 1, opts...)
		mustAcquire(t, one)
		done := queued(t, two)
		mustRelease(t, one)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("release"); n != 1 {
			t.Errorf("%d releases of one permit", n)
		}
		mustRelease(t, two)
	})
}

// A store whose grants have no spare token gives each holder a grant.
func TestNoSpareTokensNoPassing(t *testing.T) {
	on(t, sparing{memory.New()}, func(t *testing.T, r Option) {
		one, two := Cache("default", "k", r, WithWait(Forever)), Cache("default", "k", r, WithWait(Forever))
		mustAcquire(t, one)
		done := queued(t, two)
		token := one.Token()
		mustRelease(t, one)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if two.Token() <= token+1 {
			t.Errorf("token %d after %d was never granted", two.Token(), token)
		}
		mustRelease(t, two)
	})
}

// sparing is a store that gives no spare tokens.
type sparing struct{ *memory.Store }

func (s sparing) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, err := s.Store.TryAcquire(ctx, r)
	g.Spare = 0
	return g, err
}

func (s sparing) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, err := s.Store.Acquire(ctx, r)
	g.Spare = 0
	return g, err
}
