package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
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
		if got := renewed.Remaining(); got < 59*time.Second || got > time.Minute {
			t.Errorf("extended to a minute, remaining is %v", got)
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
		forever := Local(WithExpire(Forever), WithKeep())
		mustAcquire(t, forever)
		mustRelease(t, forever)
		time.Sleep(1000 * time.Hour)
		if got, _ := forever.TryAcquire(t.Context()); got {
			t.Error("kept for ever, and got")
		}
	})
}

// A lock that was given to one who had given up goes to the next.
func TestLocalWaiterThatGivesUpAtItsTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := Local(WithWait(Forever))
		mustAcquire(t, l)
		p := newPlace(l, l.bound.Load(), Forever, l.self)
		p.line = p.local
		p.line.shard.mu.Lock()
		p.line.queue.push(&p.waiting)
		p.line.shard.mu.Unlock()
		mustRelease(t, l) // gives it to p, who has given up
		p.space.in.Add(1) // as acquiring does
		p.quit()
		mustAcquire(t, l)
		mustRelease(t, l)
	})
}
