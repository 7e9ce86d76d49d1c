package locks

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// Options that leave a key held, and until when after the lock was got.
var keepings = map[string]struct {
	opts []Option
	ends time.Duration
}{
	"WithKeep":          {[]Option{WithExpire(time.Minute), WithKeep()}, time.Minute},
	"WithKeepOnSuccess": {[]Option{WithExpire(time.Minute), WithKeepOnSuccess()}, time.Minute},
	"WithMinHold":       {[]Option{WithMinHold(20 * time.Second)}, 20 * time.Second},
	"WithMinHold fixed": {[]Option{WithExpire(time.Hour), WithMinHold(20 * time.Second)}, 20 * time.Second},
	"both":              {[]Option{WithExpire(time.Minute), WithKeep(), WithMinHold(20 * time.Second)}, time.Minute},
}

// keepOf gives a test a store whose keeping it can script.
func keepOf(t *testing.T, f func(t *testing.T, b *bench, st *keepStore)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := newKeepStore()
		f(t, benchOf(t, st, st.scripted), st)
	})
}

// A keeping that fails is tried again: the key is held until it was to be, and not for
// the whole lease.
func TestKeepingThatFailsIsTriedAgain(t *testing.T) {
	for how, outage := range map[string]step{"refuses": fails, "hangs": hangs, "loses the reply": replyLost, "is slow": hangsFor(time.Second)} {
		for name, keeping := range keepings {
			for _, long := range []time.Duration{0, 3 * time.Second} {
				what := fmt.Sprintf("%s, %s for %v", name, how, long)
				keepOf(t, func(t *testing.T, b *bench, st *keepStore) {
					began := time.Now()
					l := b.cache("k", keeping.opts...)
					st.script(func(*scripted) { st.keep = outage })
					err := l.Do(t.Context(), func(context.Context) error { return nil })
					if how == "refuses" {
						wantIs(t, err, ErrLockRelease, ErrUnavailable)
					}
					time.Sleep(long)
					st.script(func(*scripted) { st.keep = nil })
					waiter := b.cache("k", WithWait(Forever))
					mustAcquire(t, waiter)
					took := time.Since(began)
					if took < keeping.ends-keeping.ends/100-time.Second || took > keeping.ends+10*time.Second {
						t.Errorf("%s: free after %v, it was to be after %v", what, took, keeping.ends)
					}
					mustRelease(t, waiter)
				})
			}
		}
	}
}

// What the store can't do is found at Acquire, by every way to get a lock, before
// anything is held and before fn runs.
func TestKeepingIsCheckedAtAcquire(t *testing.T) {
	for how, test := range map[string]struct {
		check step
		is    []error
	}{
		"unable":  {func(context.Context, func() error) error { return driver.ErrUnsupported }, []error{ErrUnsupported}},
		"away":    {fails, []error{ErrLockAcquire, ErrUnavailable}},
		"hanging": {hangs, []error{ErrLockAcquire, ErrUnavailable}},
	} {
		for name, keeping := range keepings {
			for _, wait := range []time.Duration{0, 10 * time.Second} {
				keepOf(t, func(t *testing.T, b *bench, st *keepStore) {
					st.check = test.check
					l := b.cache("k", append(keeping.opts, WithWait(wait))...)
					_, hold := l.Hold(context.Background())
					_, try := l.TryAcquire(context.Background())
					for op, err := range map[string]error{
						"Acquire": l.Acquire(context.Background()), "TryAcquire": try, "Hold": hold,
						"Do": l.Do(context.Background(), func(context.Context) error {
							t.Errorf("%s: fn ran on a store that can't keep", name)
							return nil
						}),
					} {
						for _, is := range test.is {
							if !errors.Is(err, is) {
								t.Errorf("%s, %s, %s: %v, want %v", how, name, op, err, is)
							}
						}
					}
					if n := st.count("try") + st.count("acquire"); n != 0 {
						t.Errorf("%s, %s: a key was asked for %d times", how, name, n)
					}
					if n := len(b.saw(concurrent.EventRefused)); n != 4 {
						t.Errorf("%s, %s: told of %d refusals of 4", how, name, n)
					}
					st.check = nil
					mustAcquire(t, l)
					mustRelease(t, l)
				})
			}
		}
	}
}

// A store that can keep is asked once, and locks that keep nothing never ask.
func TestKeepingIsCheckedOnce(t *testing.T) {
	keepOf(t, func(t *testing.T, b *bench, st *keepStore) {
		plain := b.cache("plain")
		mustAcquire(t, plain)
		mustRelease(t, plain)
		if n := st.count("check"); n != 0 {
			t.Errorf("asked %d times for nothing", n)
		}
		for name, keeping := range keepings {
			mustAcquire(t, b.cache(name, keeping.opts...))
		}
		if n := st.count("check"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		b.down = true
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = b.Shutdown(ctx)
	})
}

// A key that nobody could free again is refused.
func TestKeepingForeverIsRefused(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for name, opts := range map[string][]Option{
			"WithKeep":             {WithKeep(), WithExpire(Forever)},
			"WithKeepOnSuccess":    {WithKeepOnSuccess(), WithExpire(Forever)},
			"without a lease":      {WithKeep()},
			"on success, renewed":  {WithKeepOnSuccess(), WithKeepAlive(time.Minute)},
			"MinHold":              {WithMinHold(Forever)},
			"MinHold past MaxHold": {WithMinHold(2 * time.Hour), WithMaxHold(time.Hour)},
			"both":                 {WithKeep(), WithKeepOnSuccess(), WithExpire(time.Minute)},
		} {
			for kind, l := range map[string]*Lock{"cache": b.cache("k", opts...), "local": Local(opts...)} {
				if err := l.Acquire(t.Context()); !errors.Is(err, ErrInvalidOption) || l.Active() {
					t.Errorf("%s, %s: %v", kind, name, err)
				}
			}
		}
		if n := b.store.count("try"); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
		for _, keep := range []Option{WithKeep(), WithKeepOnSuccess()} {
			for _, l := range []*Lock{b.cache("k", WithExpire(time.Second), keep), Local(WithExpire(time.Second), keep)} {
				mustAcquire(t, l)
				wantIs(t, l.Extend(t.Context(), Forever), ErrInvalidOption)
				mustRelease(t, l)
				time.Sleep(2 * time.Second)
			}
		}
		if !b.free(t, "k") {
			t.Error("it is kept for ever")
		}
	})
}

// WithMinHold is kept also where the lease is shorter and the holder dies: the store
// was asked for that long. The holder itself has no more than its lease.
func TestMinHoldLongerThanTheLease(t *testing.T) {
	for name, opts := range map[string][]Option{
		"renewed":     {WithKeepAlive(2 * time.Second)},
		"from a line": {WithKeepAlive(2 * time.Second), WithWait(time.Minute)},
	} {
		for _, dies := range []time.Duration{0, time.Second, 5 * time.Second, 15 * time.Second} {
			in(t, func(t *testing.T, b *bench) {
				l := b.cache("k", append(opts, WithMinHold(10*time.Second))...)
				began := time.Now()
				mustAcquire(t, l)
				if left := l.Remaining(); left > 2*time.Second {
					t.Errorf("%s: the holder has it for %v, its lease is 2s", name, left)
				}
				time.Sleep(dies)
				b.store.script(func(s *scripted) { s.extend, s.release = hangs, hangs })
				r := driver.Request{Key: "k", Owner: "another", Lease: time.Minute}
				if _, err := b.store.Store.Acquire(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				least, most := max(10*time.Second, dies), max(10*time.Second, dies+2*time.Second)
				if took := time.Since(began); took < least || took > most {
					t.Errorf("%s: a holder that died after %v had the key for %v", name, dies, took)
				}
				if l.Active() {
					t.Errorf("%s: active beside another holder", name)
				}
				_ = b.store.Store.Release(t.Context(), r)
				b.store.script(func(s *scripted) { s.extend, s.release = nil, nil })
				_ = l.Release(t.Context())
			})
		}
	}
}

// WithKeepOnSuccess keeps after a Do whose fn returned nil, and after nothing else.
func TestKeepOnSuccessKeepsAfterASuccess(t *testing.T) {
	for name, make := range map[string]func(b *bench, o ...Option) *Lock{
		"cache": func(b *bench, o ...Option) *Lock { return b.cache("k", o...) },
		"local": func(_ *bench, o ...Option) *Lock { return Local(o...) },
	} {
		in(t, func(t *testing.T, b *bench) {
			l := make(b, WithExpire(time.Minute), WithKeepOnSuccess())
			free := func(what string) {
				t.Helper()
				h, err := l.Hold(t.Context())
				if err != nil {
					t.Fatalf("%s, after %s: %v", name, what, err)
				}
				if err := h.Release(t.Context()); err != nil {
					t.Error(err)
				}
			}
			wantIs(t, l.Do(t.Context(), func(context.Context) error { return errOfFn }), errOfFn)
			free("an error")
			_ = recovering(func() { _ = l.Do(t.Context(), func(context.Context) error { panic("fn") }) })
			free("a panic")
			mustAcquire(t, l)
			mustRelease(t, l)
			free("a Release")
			if err := l.Do(t.Context(), func(context.Context) error { time.Sleep(time.Second); return nil }); err != nil {
				t.Fatal(err)
			}
			time.Sleep(58 * time.Second)
			wantIs(t, l.Do(t.Context(), func(context.Context) error { return nil }), ErrLockActive)
			time.Sleep(2 * time.Second)
			free("a minute")
		})
	}
}

// A holder that lost its lease to an outage has used the key all the same.
func TestMinHoldOutlivesALoss(t *testing.T) {
	for name, renewed := range map[string]bool{"a renewed lease": true, "one that was cut short": false} {
		in(t, func(t *testing.T, b *bench) {
			lease := WithExpire(10 * time.Second)
			if renewed {
				lease = WithKeepAlive(200 * time.Millisecond)
			}
			l := b.cache("k", lease, WithMinHold(10*time.Second))
			mustAcquire(t, l)
			if renewed {
				b.store.script(func(s *scripted) { s.extend = fails })
			} else if err := l.Extend(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			b.store.script(func(s *scripted) { s.extend = nil })
			wantIs(t, l.Release(t.Context()), ErrLockLost)
			for _, after := range []struct {
				wait time.Duration
				free bool
			}{{8500 * time.Millisecond, false}, {time.Second, true}} {
				time.Sleep(after.wait)
				if free := b.free(t, "k"); free != after.free {
					t.Errorf("%s: %v later the key is free: %t", name, after.wait, free)
				}
			}
		})
	}
}

// In real time, whose clock has run for a while.
func TestLocalMinHoldOfTheLongestTimes(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{Forever - 1, 1 << 62, 1 << 61} {
		l := Local(WithMinHold(d))
		mustAcquire(t, l)
		mustRelease(t, l)
		if got, err := l.TryAcquire(t.Context()); got || err != nil {
			t.Errorf("%v: %t, %v", d, got, err)
		}
	}
	in(t, func(t *testing.T, _ *bench) {
		l := Local(WithExpire(time.Hour), WithMinHold(time.Hour))
		mustAcquire(t, l)
		if err := l.Extend(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
		if got, err := l.TryAcquire(t.Context()); got || err != nil {
			t.Errorf("in its first hour: %t, %v", got, err)
		}
		time.Sleep(time.Hour)
		mustAcquire(t, l)
	})
}
