package locks

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
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

// The end of Do's context ends fn's, and nothing else: fn is waited for, under
// the lock, and the release gets through.
func TestDoWhoseContextEnds(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancelCause(t.Context())
		err := b.cache("k").Do(ctx, func(ctx context.Context) error {
			cancel(errOfFn)
			<-ctx.Done()
			wantIs(t, context.Cause(ctx), errOfFn)
			time.Sleep(time.Hour)
			if b.free(t, "k") {
				t.Error("free while fn runs")
			}
			return nil
		})
		if err != nil || !b.free(t, "k") {
			t.Errorf("Do: %v; free: %t", err, b.free(t, "k"))
		}
		ran := false
		err = b.cache("k").Do(ctx, func(context.Context) error { ran = true; return nil })
		wantIs(t, err, ErrLockAcquire, context.Canceled)
		if ran {
			t.Error("fn ran on an ended context")
		}
	})
}

// What is lost ends fn's context at once, with the reason, and Do tells of it
// although fn returned nil.
func TestDoTellsOfALoss(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		err := b.cache("k").Do(t.Context(), func(ctx context.Context) error {
			began := time.Now()
			if _, err := b.store.Break(ctx, "k"); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			if took := time.Since(began); took != 0 {
				t.Errorf("cancelled %v after the Break", took)
			}
			wantIs(t, context.Cause(ctx), ErrLockLost)
			return nil
		})
		wantIs(t, err, ErrLockLost)
		wantNot(t, err, ErrLockExpired)
	})
}

// fn never runs without the lock, whatever hinders it, and the error says what.
func TestDoNeverRunsFnWithoutTheLock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("held")
		mustAcquire(t, holder)
		lost := func(context.Context, func() error) error { return errLost }
		for name, test := range map[string]struct {
			lock *Lock
			try  step
			want error
		}{
			"held":           {b.cache("held"), nil, ErrLockActive},
			"held and quiet": {b.cache("held", WithRaise(false)), nil, ErrLockActive},
			"wait over":      {b.cache("held", WithWait(time.Second), WithRaise(false)), nil, ErrLockActive},
			"no answer":      {b.cache("k"), lost, ErrLockAcquire},
			"late answer":    {b.cache("k"), after(time.Minute), ErrLockAcquire},
			"bad option":     {b.cache("k", WithWait(-1)), nil, ErrInvalidOption},
			"bad key":        {b.cache(""), nil, ErrInvalidRequest},
			"no permit":      {Permit("default", "k", 0, WithRegistry(b.Registry)), nil, ErrInvalidOption},
			"no alias":       {Cache("nowhere", "k", WithRegistry(b.Registry)), nil, concurrent.ErrUnknownAlias},
		} {
			b.store.script(func(s *scripted) { s.try = test.try })
			fn := func(context.Context) error {
				t.Errorf("%s: fn ran", name)
				return nil
			}
			wantIs(t, test.lock.Do(t.Context(), fn), test.want)
			got, err := Do(t.Context(), test.lock, func(ctx context.Context) (int, error) { return 1, fn(ctx) })
			if got != 0 {
				t.Errorf("%s: a value: %d", name, got)
			}
			wantIs(t, err, test.want)
		}
		b.store.script(func(s *scripted) { s.try = nil })
		mustRelease(t, holder)
		time.Sleep(time.Minute)
	})
}

// A panic goes on also when the release fails; so does runtime.Goexit.
func TestDoReleasesWhateverEndsFn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.release = fails })
		func() {
			defer func() {
				if got := recover(); got != errOfFn { //nolint:errorlint // the very value that was thrown
					t.Errorf("recovered %v", got)
				}
			}()
			_ = b.cache("k").Do(t.Context(), func(context.Context) error { panic(errOfFn) })
		}()
		b.store.script(func(s *scripted) { s.release = nil })
		time.Sleep(time.Second)
		if !b.free(t, "k") {
			t.Error("held after a panic: the release was not tried again")
		}
		var all sync.WaitGroup
		all.Go(func() {
			_ = b.cache("k").Do(t.Context(), func(context.Context) error {
				runtime.Goexit()
				return nil
			})
		})
		all.Wait()
		if !b.free(t, "k") {
			t.Error("held after runtime.Goexit")
		}
	})
}

// One Lock serves many goroutines: each Do has a lease of its own, one at a
// time, with a token of its own.
func TestOneLockForManyGoroutines(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithWait(Forever))
		inside, last := 0, uint64(0)
		var all []<-chan error
		for range 50 {
			all = append(all, meanwhile(func() error {
				return l.Do(t.Context(), func(ctx context.Context) error {
					inside++
					token, _ := Token(ctx)
					if inside != 1 || token <= last {
						t.Errorf("%d inside, token %d after %d", inside, token, last)
					}
					last = token
					time.Sleep(time.Millisecond)
					inside--
					return nil
				})
			}))
		}
		for _, done := range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if l.Active() {
			t.Error("Do's lease is the value's")
		}
	})
}

// What fn's goroutines ask for with its context is refused like its own
// questions, and what they ask for with another context is ordinary waiting.
func TestNoSelfDeadlockThroughGoroutines(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		waiting := b.cache("k", WithWait(time.Minute))
		err := b.cache("k").Do(t.Context(), func(ctx context.Context) error {
			began := time.Now()
			wantIs(t, <-meanwhile(func() error { return waiting.Acquire(ctx) }), ErrLockActive)
			tied, cancel := context.WithTimeout(context.WithValue(ctx, contextKeyOfATest{}, "value"), time.Hour)
			defer cancel()
			wantIs(t, <-meanwhile(func() error { return waiting.Acquire(tied) }), ErrLockActive)
			if took := time.Since(began); took != 0 {
				t.Errorf("refused after %v", took)
			}
			detached, free := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
			defer free()
			for name, ctx := range map[string]context.Context{
				"Background": context.Background(), "WithoutCancel": context.WithoutCancel(ctx),
				"WithTimeout of WithoutCancel": detached, "Detach": Detach(ctx),
			} {
				began := time.Now()
				wantIs(t, waiting.Acquire(ctx), ErrLockActive)
				if took := time.Since(began); took != time.Minute {
					t.Errorf("with %s it waited for %v", name, took)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// The context of a lock that ended hinders nobody.
func TestOldContextDoesNotHinder(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var kept context.Context
		l := b.cache("k")
		if err := l.Do(t.Context(), func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := l.Acquire(context.WithoutCancel(kept)); err != nil {
			t.Errorf("with the context of a lease that was released: %v", err)
		}
		mustRelease(t, l)
	})
}

// Locks of another registry, or with another prefix, are other locks.
func TestNoSelfDeadlockBetweenRegistries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newBench(t, concurrent.Config{}), newBench(t, concurrent.Config{})
		err := one.cache("k").Do(t.Context(), func(ctx context.Context) error {
			return two.cache("k").Do(ctx, func(context.Context) error { return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

type contextKeyOfATest struct{}
