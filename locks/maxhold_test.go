package locks

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
)

// WithMaxHold ends a lease that is renewed so long after it was got, on time, and the
// key is free then: also when nobody releases it, when a renewal hangs, and when it
// was extended.
func TestMaxHoldEndsALeaseThatIsRenewed(t *testing.T) {
	for name, during := range map[string]func(t *testing.T, b *bench, l *Lock){
		"renewed":  func(*testing.T, *bench, *Lock) {},
		"extended": func(t *testing.T, _ *bench, l *Lock) { wantIs(t, l.Extend(t.Context(), time.Hour), nil) },
		"for ever": func(t *testing.T, _ *bench, l *Lock) { wantIs(t, l.Extend(t.Context(), Forever), nil) },
	} {
		for _, hold := range []time.Duration{3 * time.Second, 3500 * time.Millisecond, 10 * time.Second, time.Hour + 1} {
			in(t, func(t *testing.T, b *bench) {
				l := b.cache("k", WithKeepAlive(3*time.Second), WithMaxHold(hold))
				began := time.Now()
				mustAcquire(t, l)
				ctx := l.Context(t.Context())
				during(t, b, l)
				if left := l.Remaining(); left > hold {
					t.Errorf("%s: %v of %v remain", name, left, hold)
				}
				<-ctx.Done()
				took := time.Since(began)
				if took > hold || took < hold-hold/100-40*time.Millisecond {
					t.Errorf("%s: held for %v, at most %v", name, took, hold)
				}
				wantIs(t, context.Cause(ctx), ErrLockExpired, ErrLockLost)
				time.Sleep(100 * time.Millisecond)
				if !b.free(t, "k") {
					t.Errorf("%s: the key is held after WithMaxHold(%v)", name, hold)
				}
				wantIs(t, l.Release(t.Context()), ErrLockExpired)
				if lost := b.saw(concurrent.EventLost); len(lost) != 1 || !errors.Is(lost[0].Err, ErrLockExpired) {
					t.Errorf("%s: told of %v", name, lost)
				}
			})
		}
	}
}

// An outage ends the lease before, as one that is lost; one that lasts past the end,
// as one that ended.
func TestMaxHoldInAnOutage(t *testing.T) {
	for how, outage := range outages {
		in(t, func(t *testing.T, b *bench) {
			l := b.cache("k", WithKeepAlive(3*time.Second), WithMaxHold(time.Minute))
			mustAcquire(t, l)
			ctx := l.Context(t.Context())
			b.store.script(func(s *scripted) { s.extend = outage })
			<-ctx.Done()
			if how != "loses" {
				wantIs(t, context.Cause(ctx), ErrLockLost)
				wantNot(t, context.Cause(ctx), ErrLockExpired)
			}
			b.store.script(func(s *scripted) { s.extend = nil })
			wantIs(t, l.Release(t.Context()), ErrLockLost)
			time.Sleep(time.Minute)
			if !b.free(t, "k") {
				t.Errorf("%s: held", how)
			}
		})
	}
}

// Those who get the lease from one another hold it for as long as their own WithMaxHold
// says, from when they got it.
func TestMaxHoldOfALeaseThatWasHandedOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		opts := []Option{WithKeepAlive(3 * time.Second), WithMaxHold(10 * time.Second), WithWait(time.Minute)}
		first, second := b.cache("k", opts...), b.cache("k", opts...)
		mustAcquire(t, first)
		done := queued(t, second)
		time.Sleep(5 * time.Millisecond)
		mustRelease(t, first)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		<-second.Context(t.Context()).Done()
		if took := time.Since(began); took < 9800*time.Millisecond || took > 10*time.Second {
			t.Errorf("the second held it for %v", took)
		}
		wantIs(t, second.Release(t.Context()), ErrLockExpired)
		time.Sleep(100 * time.Millisecond)
		if !b.free(t, "k") {
			t.Error("held")
		}
	})
}

// A local lock too.
func TestMaxHoldOfALocalLock(t *testing.T) {
	in(t, func(t *testing.T, _ *bench) {
		l := Local(WithMaxHold(time.Minute), WithWait(time.Hour))
		mustAcquire(t, l)
		began := time.Now()
		wantIs(t, l.Do(t.Context(), func(context.Context) error { return nil }), nil)
		if took := time.Since(began); took > time.Minute || took < 59*time.Second {
			t.Errorf("held for %v", took)
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

// What makes no sense is refused, also where only the alias's lease tells.
func TestMaxHoldThatMakesNoSense(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for name, opts := range map[string][]Option{
			"0":                        {WithMaxHold(0)},
			"negative":                 {WithMaxHold(-time.Second)},
			"Forever":                  {WithMaxHold(Forever)},
			"below the lease":          {WithMaxHold(time.Second), WithKeepAlive(time.Minute)},
			"below the alias's lease":  {WithMaxHold(29 * time.Second)},
			"with WithExpire":          {WithMaxHold(time.Minute), WithExpire(time.Second)},
			"with WithExpire(Forever)": {WithMaxHold(time.Minute), WithExpire(Forever)},
			"below WithMinHold":        {WithMaxHold(time.Minute), WithMinHold(time.Hour)},
		} {
			for kind, l := range map[string]*Lock{"cache": b.cache("k", opts...), "local": Local(opts...)} {
				if err := l.Acquire(t.Context()); !errors.Is(err, ErrInvalidOption) {
					t.Errorf("%s, %s: %v", kind, name, err)
				}
			}
		}
	})
}
