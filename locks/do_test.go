package locks

import (
	"context"
	"errors"
	"testing"
	"time"
)

var errOfFn = errors.New("fn's own")

func TestDoRunsUnderTheLock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		err := l.Do(t.Context(), func(ctx context.Context) error {
			token, ok := Token(ctx)
			if b.free(t, "k") || !ok || token == 0 || ctx.Err() != nil {
				t.Errorf("inside: free %t, token %d, %v", b.free(t, "k"), token, ctx.Err())
			}
			if l.Active() {
				t.Error("Do's lease is the value's")
			}
			return errOfFn
		})
		wantIs(t, err, errOfFn)
		if !b.free(t, "k") {
			t.Error("held after Do")
		}
		wantIs(t, l.Do(t.Context(), nil), ErrInvalidOption)
		if _, ok := Token(t.Context()); ok {
			t.Error("a token outside of Do")
		}
	})
}

func TestDoCancelsOnLossAndWaits(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var cause error
		err := b.cache("k", WithExpire(time.Second)).Do(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			time.Sleep(time.Minute) // Do waits for fn, whatever it does
			return errOfFn
		})
		wantIs(t, cause, ErrLockExpired)
		wantIs(t, err, errOfFn, ErrLockExpired)
	})
}

func TestDoJoinsTheReleasesError(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.release = fails })
		err := b.cache("k").Do(t.Context(), func(context.Context) error { return errOfFn })
		wantIs(t, err, errOfFn, ErrLockRelease, ErrUnavailable)
		b.store.script(func(s *scripted) { s.release = nil })
		time.Sleep(time.Minute)
	})
}

func TestDoReleasesOnPanic(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		defer func() {
			if got := recover(); got != "out" {
				t.Errorf("recovered %v", got)
			}
			if !b.free(t, "k") {
				t.Error("held after a panic")
			}
		}()
		_ = b.cache("k").Do(t.Context(), func(context.Context) error { panic("out") })
	})
}

func TestGenericDo(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		got, err := Do(t.Context(), l, func(context.Context) (int, error) { return 42, errOfFn })
		if got != 42 {
			t.Errorf("got %d", got)
		}
		wantIs(t, err, errOfFn)
		mustAcquire(t, l)
		got, err = Do(t.Context(), l, func(context.Context) (int, error) { return 42, nil })
		if got != 0 {
			t.Errorf("a value without the lock: %d", got)
		}
		wantIs(t, err, ErrLockActive)
		mustRelease(t, l)
		_, err = Do(t.Context(), nil, func(context.Context) (int, error) { return 1, nil })
		wantIs(t, err, ErrInvalidOption)
		_, err = Do[int](t.Context(), l, nil)
		wantIs(t, err, ErrInvalidOption)
	})
}

// Inside Do, what could never succeed is refused at once.
func TestNoSelfDeadlock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		wait := WithWait(Forever)
		nest := func(outer, inner *Lock) error {
			return outer.Do(t.Context(), func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Hour) // a child of Do's own
				defer cancel()
				return inner.Do(ctx, func(context.Context) error { return nil })
			})
		}
		for name, locks := range map[string][2]*Lock{
			"exclusive in exclusive": {b.cache("k"), b.cache("k", wait)},
			"one value in itself":    {b.cache("k", wait), nil},
			"write in read":          {Read("default", "k", r), Write("default", "k", r, wait)},
			"read in write":          {Write("default", "k", r), Read("default", "k", r, wait)},
			"the only permit":        {Permit("default", "k", 1, r), Permit("default", "k", 1, r, wait)},
			"a permit in exclusive":  {b.cache("k"), Permit("default", "k", 2, r, wait)},
		} {
			if locks[1] == nil {
				locks[1] = locks[0]
			}
			began := time.Now()
			wantIs(t, nest(locks[0], locks[1]), ErrLockActive)
			if took := time.Since(began); took != 0 {
				t.Errorf("%s: refused after %v", name, took)
			}
		}
		for name, locks := range map[string][2]*Lock{
			"another key":        {b.cache("k"), b.cache("other")},
			"read in read":       {Read("default", "k", r), Read("default", "k", r)},
			"the second of two":  {Permit("default", "k", 2, r), Permit("default", "k", 2, r)},
			"local in exclusive": {b.cache("k"), Local()},
		} {
			if err := nest(locks[0], locks[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// TryAcquire says false, and so does a value whose context is Acquire's.
		err := b.cache("k").Do(t.Context(), func(ctx context.Context) error {
			got, err := b.cache("k").TryAcquire(ctx)
			if got || err != nil {
				t.Errorf("TryAcquire inside: %t, %v", got, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		l := b.cache("k")
		mustAcquire(t, l)
		wantIs(t, b.cache("k", wait).Acquire(l.Context(t.Context())), ErrLockActive)
		mustRelease(t, l)
	})
}
