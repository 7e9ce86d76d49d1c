package locks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/internal/clock"
)

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestLocalExcludes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local()
		mustAcquire(t, l)
		token := l.Token()
		wantIs(t, l.Acquire(t.Context()), ErrLockActive)
		other := Local()
		mustAcquire(t, other) // another value is another lock
		mustRelease(t, other)
		mustRelease(t, l)
		mustAcquire(t, l)
		if l.Token() <= token || l.Key() != "" {
			t.Errorf("token %d after %d, key %q", l.Token(), token, l.Key())
		}
		mustRelease(t, l)
		wantIs(t, l.Release(t.Context()), ErrNotHeld)
		wantIs(t, Local(WithRegistry(concurrent.NewRegistry())).Acquire(t.Context()), ErrInvalidOption)
	})
}

func TestLocalServesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local(WithWait(Forever))
		order := make(chan int, 10)
		var last uint64
		err := l.Do(t.Context(), func(context.Context) error {
			for i := range 10 {
				go func() {
					_ = l.Do(context.Background(), func(ctx context.Context) error {
						token, _ := Token(ctx)
						if token <= last {
							t.Errorf("token %d after %d", token, last)
						}
						last = token // the lock guards it
						order <- i
						return nil
					})
				}()
				synctest.Wait()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for want := range 10 {
			if got := <-order; got != want {
				t.Fatalf("number %d was served in place of number %d", got, want)
			}
		}
		synctest.Wait()
	})
}

func TestLocalWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local(WithWait(time.Minute), WithExpire(Forever))
		hold := make(chan struct{})
		holding := meanwhile(func() error {
			return l.Do(t.Context(), func(context.Context) error {
				<-hold
				return nil
			})
		})
		synctest.Wait()
		began := time.Now()
		wantIs(t, l.Do(t.Context(), func(context.Context) error { return nil }), ErrLockActive)
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("waited for %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, l.Acquire(ctx), ErrLockActive, context.DeadlineExceeded)
		close(hold)
		if err := <-holding; err != nil {
			t.Error(err)
		}
		mustAcquire(t, l)
		mustRelease(t, l)
	})
}

func TestLocalLeaseEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local(WithExpire(10*time.Second), WithWait(Forever))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		next := meanwhile(func() error {
			return l.Do(context.Background(), func(context.Context) error {
				if ctx.Err() == nil {
					t.Error("the next holder began before the first one's context ended")
				}
				return nil
			})
		})
		if err := <-next; err != nil {
			t.Error(err)
		}
		wantIs(t, context.Cause(ctx), ErrLockExpired)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)

		renewed := Local()
		mustAcquire(t, renewed)
		time.Sleep(time.Hour)
		if !renewed.Active() {
			t.Error("lost although it is renewed")
		}
		if err := renewed.Extend(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		if got := renewed.Remaining(); got != Forever {
			t.Errorf("remaining is %v of a lease that is renewed as long as the process runs", got)
		}
		mustRelease(t, renewed)
	})
}

func TestLocalKeepAndMinHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			opts []Option
			want time.Duration
		}{
			"keep":     {[]Option{WithExpire(10 * time.Second), WithKeep()}, 10 * time.Second},
			"min hold": {[]Option{WithMinHold(5 * time.Second)}, 5 * time.Second},
		} {
			l := Local(append(test.opts, WithWait(Forever))...)
			mustAcquire(t, l)
			began := time.Now()
			mustRelease(t, l)
			if got, err := l.TryAcquire(t.Context()); got || err != nil {
				t.Errorf("%s: TryAcquire: %t, %v", name, got, err)
			}
			mustAcquire(t, l)
			if after := time.Since(began); after != test.want {
				t.Errorf("%s: held for %v, want %v", name, after, test.want)
			}
			mustRelease(t, l)
		}
		wantIs(t, Local(WithExpire(Forever), WithKeep()).Acquire(t.Context()), ErrInvalidOption)
	})
}

// A holder whose deadline is past does not keep others out until a timer says
// so, which may be late.
func TestLocalDeadlineNeedsNoTimer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local(WithExpire(10 * time.Second))
		mustAcquire(t, l)
		began := time.Now()
		time.Sleep(usableOf(10*time.Second) - eps)
		if err := l.Do(t.Context(), func(context.Context) error { return nil }); !errors.Is(err, ErrLockActive) {
			t.Errorf("before the deadline: %v", err)
		}
		time.Sleep(eps)
		if err := l.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Errorf("%v after it was got: %v", time.Since(began), err)
		}
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

// A suspend ends a local lease as any other.
func TestLocalLeaseAfterASuspend(t *testing.T) {
	bubble(t, func(t *testing.T) {
		defer clock.SkewWall(0)
		l := Local(WithExpire(10 * time.Second))
		mustAcquire(t, l)
		ctx := l.Context(t.Context())
		clock.SkewWall(time.Minute)
		if l.Active() || ctx.Err() == nil {
			t.Error("active after the wall clock passed the deadline")
		}
		wantIs(t, context.Cause(ctx), ErrLockExpired)
		wantIs(t, l.Release(t.Context()), ErrLockExpired)
	})
}

// A local lock knows its own contexts too: no self-deadlock, and values of a
// context are kept.
func TestLocalDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local(WithWait(Forever))
		got, err := Do(t.Context(), l, func(ctx context.Context) (int, error) {
			if token, ok := Token(ctx); !ok || token == 0 {
				t.Errorf("token %d", token)
			}
			wantIs(t, l.Do(ctx, func(context.Context) error { return nil }), ErrLockActive)
			if err := Local().Do(ctx, func(context.Context) error { return nil }); err != nil {
				t.Errorf("another local lock: %v", err)
			}
			return 42, errOfFn
		})
		if got != 42 {
			t.Errorf("got %d", got)
		}
		wantIs(t, err, errOfFn)
		func() {
			defer func() { _ = recover() }()
			_ = l.Do(t.Context(), func(context.Context) error { panic("out") })
		}()
		if got, err := l.TryAcquire(t.Context()); !got || err != nil {
			t.Errorf("after a panic: %t, %v", got, err)
		}
		mustRelease(t, l)
	})
}

func TestLocalOptions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, opt := range map[string]Option{
			"no time": WithExpire(0), "negative wait": WithWait(-1), "keep alone": WithKeep(), "nil": nil,
		} {
			if err := Local(opt).Acquire(t.Context()); !errors.Is(err, ErrInvalidOption) {
				t.Errorf("%s: %v", name, err)
			}
		}
		quiet := Local(WithRaise(false), WithFencing(), WithLabel("l"))
		mustAcquire(t, quiet)
		if err := quiet.Acquire(t.Context()); err != nil {
			t.Errorf("WithRaise(false): %v", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := quiet.TryAcquire(t.Context()); got || err != nil {
			t.Errorf("TryAcquire: %t, %v", got, err)
		}
		if err := quiet.Release(ended); err != nil {
			t.Errorf("Release on an ended context: %v", err)
		}
		wantIs(t, quiet.Acquire(ended), ErrLockAcquire, context.Canceled)
	})
}

// Real goroutines at once: the race detector sees what the lock guards.
func TestLocalExcludesManyGoroutines(t *testing.T) {
	t.Parallel()
	l := Local(WithWait(Forever))
	counter := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if err := l.Do(context.Background(), func(context.Context) error { counter++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if counter != 8000 {
		t.Errorf("counted to %d of 8000", counter)
	}
}
