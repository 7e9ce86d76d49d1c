package locks

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// meanwhile has f called in a goroutine and returns its error later.
func meanwhile(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func TestWaitIsBounded(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k")
		mustAcquire(t, holder)
		began := time.Now()
		err := b.cache("k", WithWait(3*time.Second)).Acquire(t.Context())
		wantIs(t, err, ErrLockActive)
		wantNot(t, err, context.DeadlineExceeded, ErrLockAcquire)
		if waited := time.Since(began); waited != 3*time.Second {
			t.Errorf("waited for %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = b.cache("k", WithWait(Forever)).Acquire(ctx)
		wantIs(t, err, ErrLockActive, context.DeadlineExceeded)
		mustRelease(t, holder)
	})
}

func TestWaiterIsWokenByRelease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, waiter := b.cache("k"), b.cache("k", WithWait(time.Hour))
		mustAcquire(t, holder)
		done := meanwhile(func() error { return waiter.Acquire(t.Context()) })
		time.Sleep(time.Minute)
		began := time.Now()
		mustRelease(t, holder)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("woken %v after the release", took)
		}
		mustRelease(t, waiter)
	})
}

// polling is a store that can't wait.
type polling struct{ driver.Store }

func TestStoreThatCantWaitIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := concurrent.NewRegistry()
		st := memory.New()
		if err := r.Configure(concurrent.Aliases{"a": {Store: polling{st}}}); err != nil {
			t.Fatal(err)
		}
		opts := []Option{WithRegistry(r), WithWait(Forever)}
		if _, err := st.TryAcquire(t.Context(), driver.Request{Key: "k", Owner: "another-process", Lease: time.Minute}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		waiter := Cache("a", "k", opts...)
		mustAcquire(t, waiter)
		if took := time.Since(began); took < time.Minute || took > time.Minute+pollMost {
			t.Errorf("got after %v, the holder's lease was a minute", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, Cache("a", "k", opts...).Acquire(ctx), ErrLockActive, context.DeadlineExceeded)
		mustRelease(t, waiter)
		wantIs(t, Cache("a", "k", WithRegistry(r), WithMinHold(time.Second)).Acquire(t.Context()), ErrUnsupported)
		_, err := Inspect(t.Context(), "a", "k", WithRegistry(r))
		wantIs(t, err, ErrUnsupported)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One that waits in the store while the store does not answer comes back when
// the wait is over, and says what happened.
func TestStoreThatDoesNotAnswerWithinTheWait(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try, s.acquire = hangs, hangs })
		for wait, want := range map[time.Duration]time.Duration{
			7 * time.Second:        7 * time.Second,
			3 * time.Second:        3 * time.Second,
			time.Millisecond:       firstBound, // its first request is not cut short
			200 * time.Microsecond: firstBound,
		} {
			began := time.Now()
			err := b.cache("k", WithWait(wait)).Acquire(t.Context())
			wantIs(t, err, ErrLockAcquire, ErrUnavailable)
			wantNot(t, err, ErrLockActive)
			if waited := time.Since(began); waited != want {
				t.Errorf("came back after %v, the wait was %v", waited, wait)
			}
		}
		time.Sleep(2 * time.Minute)
		b.store.script(func(s *scripted) { s.try, s.acquire = nil, after(time.Hour) })
		l := b.cache("late", WithWait(3*time.Hour), WithExpire(time.Minute))
		wantIs(t, l.Acquire(t.Context()), ErrLockAcquire, ErrUnavailable, errLate)
	})
}

// A waiter that gave up leaves its place to the next.
func TestCancelledWaiterLeavesTheLine(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		for range 2 { // the first in line asks the store, the second waits here
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			first := meanwhile(func() error { return b.cache("k", WithWait(Forever)).Acquire(ctx) })
			synctest.Wait()
			next := b.cache("k", WithWait(Forever))
			second := meanwhile(func() error { return next.Acquire(t.Context()) })
			wantIs(t, <-first, ErrLockActive, context.DeadlineExceeded)
			cancel()
			mustRelease(t, holder)
			if err := <-second; err != nil {
				t.Fatal(err)
			}
			holder = next
		}
		mustRelease(t, holder)
	})
}

func TestFirstComeFirstServedInOneProcess(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		order := make(chan int, 20)
		for i := range 20 {
			l := b.cache("k", WithWait(Forever))
			go func() {
				_ = l.Do(t.Context(), func(context.Context) error {
					order <- i
					return nil
				})
			}()
			synctest.Wait()
		}
		mustRelease(t, holder)
		for want := range 20 {
			if got := <-order; got != want {
				t.Fatalf("number %d was served when it was number %d's turn", got, want)
			}
		}
		synctest.Wait()
	})
}

// Of those who wait in one process only the first asks the store, however many
// there are.
func TestOnlyTheHeadOfALineAsks(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		other := driver.Request{Key: "k", Owner: "another-process", Lease: time.Hour}
		if _, err := b.store.TryAcquire(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		served := make(chan struct{}, 1000)
		for range 1000 {
			go func() {
				_ = b.cache("k", WithWait(Forever)).Do(context.Background(), func(context.Context) error {
					served <- struct{}{}
					return nil
				})
			}()
		}
		synctest.Wait()
		if n := b.store.count("acquire"); n != 1 {
			t.Errorf("%d of a thousand ask the store", n)
		}
		if info, err := b.store.Inspect(t.Context(), "k"); err != nil || info.Waiters != 1 {
			t.Errorf("%d wait in the store, %v", info.Waiters, err)
		}
		if err := b.store.Release(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			<-served
		}
		synctest.Wait()
		if !b.free(t, "k") {
			t.Error("held after all")
		}
	})
}

// Lines of several keys, and of the modes of one key, do not wait for one
// another.
func TestALineForEachKeyAndMode(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r, wait := WithRegistry(b.Registry), WithWait(Forever)
		writer := Write("default", "k", r, wait)
		mustAcquire(t, writer)
		readers := []*Lock{Read("default", "k", r, wait), Read("default", "k", r, wait)}
		next := Write("default", "k", r, wait)
		one, two, three := queued(t, readers[0]), queued(t, readers[1]), queued(t, next)
		other := b.cache("other", wait)
		mustAcquire(t, other)
		mustRelease(t, other)
		mustRelease(t, writer)
		if err := <-three; err != nil { // of this process's writers it is the next
			t.Fatal(err)
		}
		mustRelease(t, next)
		for _, done := range []<-chan error{one, two} {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if !readers[0].Active() || !readers[1].Active() {
			t.Error("readers of one line do not hold the key together")
		}
		releaseAll(t, readers)
	})
}

// unwilling is a store whose Acquire is not supported by its server.
type unwilling struct{ *memory.Store }

func (unwilling) Acquire(context.Context, driver.Request) (driver.Grant, error) {
	return driver.Grant{}, driver.ErrUnsupported
}

// A store that answers ErrUnsupported is asked again and again, as one that
// can't wait, at pauses that double from 5 ms to a quarter of a second.
func TestStoreWhoseServerCantWait(t *testing.T) {
	on(t, unwilling{memory.New()}, func(t *testing.T, r Option) {
		holder, waiter := Cache("default", "k", r), Cache("default", "k", r, WithWait(Forever))
		mustAcquire(t, holder)
		done := queued(t, waiter)
		time.Sleep(10 * time.Second)
		began := time.Now()
		mustRelease(t, holder)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > pollMost {
			t.Errorf("got %v after the release", took)
		}
		mustRelease(t, waiter)
	})
}

// asked is a store that can't wait and notes when it was asked.
type asked struct {
	driver.Store
	times []time.Time
}

func (a *asked) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	a.times = append(a.times, time.Now())
	return a.Store.TryAcquire(ctx, r)
}

func TestPausesBetweenQuestions(t *testing.T) {
	st := &asked{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		holder := Cache("default", "k", r, WithExpire(2*time.Second))
		mustAcquire(t, holder)
		st.times = nil
		mustAcquire(t, Cache("default", "k", r, WithWait(Forever), WithExpire(time.Second)))
		for i, at := range st.times[1:] {
			want := min(pollFirst<<i, pollMost)
			if i == len(st.times)-2 && at.Sub(st.times[i]) < want*3/4 {
				break // the store knew when the lease would end
			}
			if pause := at.Sub(st.times[i]); pause > want || pause < want*3/4 {
				t.Errorf("pause %d is %v, want %v", i, pause, want)
			}
		}
		if n := len(st.times); n < 10 || n > 20 {
			t.Errorf("asked %d times in two seconds", n)
		}
		_ = holder.Release(t.Context())
		time.Sleep(time.Second)
	})
}

// A wait that is over while the store does not answer any more, though it just
// said that the key is held, is a wait for a held key.
func TestWaitOverWhileAPollIsUnderWay(t *testing.T) {
	var mute atomic.Bool
	st := &slowTry{Store: memory.New(), mute: &mute}
	on(t, st, func(t *testing.T, r Option) {
		holder := Cache("default", "k", r)
		mustAcquire(t, holder)
		time.AfterFunc(900*time.Millisecond, func() { mute.Store(true) })
		err := Cache("default", "k", r, WithWait(time.Second)).Acquire(t.Context())
		wantIs(t, err, ErrLockActive)
		wantNot(t, err, ErrUnavailable)
		err = Cache("default", "k", r, WithWait(time.Second)).Acquire(t.Context())
		wantIs(t, err, ErrLockAcquire, ErrUnavailable) // never answered
		mute.Store(false)
		mustRelease(t, holder)
		time.Sleep(2 * time.Minute)
	})
}

// slowTry is a store that can't wait, and while it is mute does not answer.
type slowTry struct {
	driver.Store
	mute *atomic.Bool
}

func (s *slowTry) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if s.mute.Load() {
		<-ctx.Done()
		return driver.Grant{}, ctx.Err()
	}
	return s.Store.TryAcquire(ctx, r)
}

// Who waited and was cancelled finds the cancellation's reason in the error.
func TestCancelledWaitTellsWhy(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		for name, l := range map[string]*Lock{
			"in line": b.cache("k", WithWait(Forever)), "also waiting": b.cache("k", WithWait(time.Hour)),
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			done := meanwhile(func() error { return l.Acquire(ctx) })
			synctest.Wait()
			cancel(errOfFn)
			err := <-done
			wantIs(t, err, ErrLockActive, context.Canceled, errOfFn)
			wantNot(t, err, ErrLockAcquire)
			if l.Active() {
				t.Errorf("%s: active", name)
			}
		}
		mustRelease(t, holder)
	})
}

// A wait costs no more than what it is bounded by, counted from its beginning.
func TestWaitCountsFromItsBeginning(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k", WithWait(Forever))
		mustAcquire(t, holder)
		first, second := b.cache("k", WithWait(Forever)), b.cache("k", WithWait(10*time.Second))
		one := queued(t, first)
		began := time.Now()
		two := queued(t, second)
		time.Sleep(8 * time.Second)
		mustRelease(t, holder)
		if err := <-one; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the second asks the store now
		wantIs(t, <-two, ErrLockActive)
		if waited := time.Since(began); waited != 10*time.Second {
			t.Errorf("waited for %v, want 10 s", waited)
		}
		mustRelease(t, first)
	})
}
