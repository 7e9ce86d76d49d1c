package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

const eps = time.Nanosecond

func TestKeepAliveRenewsFromAThirdOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		time.Sleep(10*time.Second - eps)
		synctest.Wait()
		if n := b.store.count("extend"); n != 0 {
			t.Errorf("renewed %d times before a third of the lease", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := b.store.count("extend"); n != 1 {
			t.Errorf("renewed %d times soon after a third of the lease, want once", n)
		}
		time.Sleep(time.Hour)
		if !l.Active() || b.free(t, "k") {
			t.Error("lost while it was renewed")
		}
		mustRelease(t, l)
		before := b.store.count("extend")
		time.Sleep(time.Hour)
		if after := b.store.count("extend"); after != before {
			t.Error("renewed after its release")
		}
	})
}

func TestRenewalIsIndependentOfAcquiresContext(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		ctx, cancel := context.WithCancel(t.Context())
		if err := l.Acquire(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(time.Hour)
		if !l.Active() {
			t.Error("the end of Acquire's context ended the lease")
		}
		mustRelease(t, l)
	})
}

func TestOneFailedRenewalIsTriedAgain(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		failed := false
		b.store.script(func(s *scripted) {
			s.extend = func(_ context.Context, do func() error) error {
				if !failed {
					failed = true
					return driver.ErrUnavailable
				}
				return do()
			}
		})
		l := b.cache("k", WithKeepAlive(10*time.Second))
		mustAcquire(t, l)
		time.Sleep(time.Minute)
		if !l.Active() {
			t.Error("lost after one failed renewal")
		}
		if len(b.saw(concurrent.EventRenewalFailed)) != 1 {
			t.Error("the observer was not told once of the failure")
		}
		mustRelease(t, l)
	})
}

func TestRenewalThatFindsTheKeyGoneEndsTheLeaseNow(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error { return driver.ErrNotHeld }
		})
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		time.Sleep(11 * time.Second)
		wantIs(t, context.Cause(ctx), ErrLockLost, ErrNotHeld)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		b.store.script(func(s *scripted) { s.extend = nil })
		time.Sleep(time.Minute)
		if !b.free(t, "k") {
			t.Error("acquired again silently")
		}
	})
}

func TestStoreClosedUnderneathEndsTheLease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		if err := b.store.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		wantIs(t, context.Cause(ctx), ErrLockLost, ErrClosed)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

func TestForeverEndsByReleaseAlone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(Forever))
		mustAcquire(t, l)
		if l.Remaining() != Forever {
			t.Errorf("Remaining is %v", l.Remaining())
		}
		b.store.script(func(s *scripted) { s.extend = fails })
		time.Sleep(24 * time.Hour)
		if !l.Active() || b.free(t, "k") {
			t.Error("a lease without end has ended")
		}
		mustRelease(t, l)
	})
}

// Tries come at pauses that double from 50 ms to a sixth of the lease, and end
// with the lease.
func TestPausesBetweenFailedRenewals(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var tries []time.Time
		b.store.script(func(s *scripted) {
			s.extend = func(context.Context, func() error) error {
				tries = append(tries, time.Now())
				return driver.ErrUnavailable
			}
		})
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		got := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		for i, at := range tries[1:] {
			most := min(50*time.Millisecond<<i, 5*time.Second)
			if pause := at.Sub(tries[i]); pause > most || pause < most*9/10 {
				t.Errorf("pause %d was %v, want %v or up to a tenth less", i, pause, most)
			}
		}
		last := tries[len(tries)-1].Sub(got)
		if last > usableOf(30*time.Second) || last < usableOf(30*time.Second)-5*time.Second {
			t.Errorf("the last try was %v after the lease began, it lasted %v", last, usableOf(30*time.Second))
		}
		if n, told := len(tries), len(b.saw(concurrent.EventRenewalFailed)); told != n {
			t.Errorf("%d tries failed, the observer was told of %d", n, told)
		}
	})
}

// A call that hangs is given up early enough for others.
func TestHungRenewalLeavesTimeForAnother(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		hung := 0
		b.store.script(func(s *scripted) {
			s.extend = func(ctx context.Context, do func() error) error {
				if hung++; hung <= 2 {
					return hangs(ctx, do)
				}
				return do()
			}
		})
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if !l.Active() || hung < 3 {
			t.Errorf("active %t after two hung renewals of %d", l.Active(), hung)
		}
		mustRelease(t, l)
	})
}

// A reply that was lost did no harm: the next try says so.
func TestRenewalWhoseReplyIsLost(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.extend = replyLost })
		l := b.cache("k", WithKeepAlive(30*time.Second))
		mustAcquire(t, l)
		time.Sleep(25 * time.Second)
		if !l.Active() {
			t.Fatal("lost before its deadline")
		}
		b.store.script(func(s *scripted) { s.extend = nil })
		time.Sleep(time.Hour)
		if !l.Active() {
			t.Error("lost although the store answered again in time")
		}
		mustRelease(t, l)
	})
}

// Leases without end are looked for, as a Break must be noticed where the store
// does not tell: three times in the alias's lease, or in half a minute.
func TestLeasesWithoutEndAreLookedFor(t *testing.T) {
	for name, test := range map[string]struct {
		lease time.Duration // the alias's
		opts  []Option
		want  time.Duration
	}{
		"on an alias":        {12 * time.Second, []Option{WithExpire(Forever)}, 4 * time.Second},
		"the alias's":        {Forever, nil, 10 * time.Second},
		"on such an alias":   {Forever, []Option{WithExpire(Forever)}, 10 * time.Second},
		"extended to no end": {12 * time.Second, nil, 4 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, concurrent.Config{Lease: test.lease})
			l := b.cache("k", test.opts...)
			mustAcquire(t, l)
			if l.Remaining() != Forever {
				if err := l.Extend(t.Context(), Forever); err != nil {
					t.Fatal(err)
				}
			}
			before := b.store.count("extend")
			time.Sleep(time.Hour)
			if n, want := b.store.count("extend")-before, int(time.Hour/test.want); n > want || n < want*9/10 {
				t.Errorf("%s: looked for %d times in an hour, want about %d", name, n, want)
			}
			held := l.Context(t.Context())
			b.store.script(func(s *scripted) {
				s.extend = func(context.Context, func() error) error { return driver.ErrNotHeld }
			})
			time.Sleep(test.want + time.Second)
			if l.Active() || held.Err() == nil {
				t.Errorf("%s: active after the store did not know it", name)
			}
			wantIs(t, l.Release(t.Context()), ErrLockLost, ErrNotHeld)
			_, _ = b.store.Break(t.Context(), "k")
		})
	}
}

// A lease that Extend changes while a renewal is under way: the store may have
// carried out either last, so that the shorter counts until the next renewal.
func TestExtendWhileARenewalIsUnderWay(t *testing.T) {
	for _, d := range []time.Duration{time.Hour, 9 * time.Second} {
		in(t, func(t *testing.T, b *bench) {
			slow := true
			b.store.script(func(s *scripted) {
				s.extend = func(_ context.Context, do func() error) error {
					if !slow {
						return do()
					}
					slow = false
					time.Sleep(4 * time.Second) // on its way, until after Extend
					return do()
				}
			})
			l := b.cache("k", WithKeepAlive(30*time.Second))
			mustAcquire(t, l)
			time.Sleep(11 * time.Second)
			synctest.Wait()
			if slow {
				t.Fatal("no renewal is under way")
			}
			if err := l.Extend(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if got, most := l.Remaining(), usableOf(min(d, 30*time.Second)); got > most || got < most-time.Second {
				t.Errorf("extended to %v during a renewal for 30s: %v remain, want %v", d, got, most)
			}
			for range 60 {
				time.Sleep(time.Second)
				info, err := b.store.Inspect(t.Context(), "k")
				if err != nil || len(info.Holders) != 1 {
					t.Fatalf("%+v, %v", info, err)
				}
				if until := time.Until(info.Holders[0].Until); l.Remaining() > until {
					t.Fatalf("%v remain here, %v on the store", l.Remaining(), until)
				}
			}
			if got := l.Remaining(); got < usableOf(d)-time.Minute || got > usableOf(d) || got == 0 {
				t.Errorf("a minute later %v remain of a renewed lease of %v", got, d)
			}
			mustRelease(t, l)
		})
	}
}
