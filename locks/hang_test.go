package locks

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// A hungStore looks into nothing, and gives back no key that begins with "slow".
type hungStore struct{ *scripted }

func (s *hungStore) Inspect(ctx context.Context, _ string) (driver.Info, error) {
	<-ctx.Done()
	return driver.Info{}, ctx.Err()
}

func (s *hungStore) Break(ctx context.Context, _ string) (driver.Info, error) {
	<-ctx.Done()
	return driver.Info{}, ctx.Err()
}

func (s *hungStore) List(ctx context.Context, _ string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		<-ctx.Done()
		yield(driver.Info{}, ctx.Err())
	}
}

func (s *hungStore) Release(ctx context.Context, r driver.Request) error {
	if strings.HasPrefix(r.Key, "slow") {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.scripted.Release(ctx, r)
}

// Calls whose caller set no deadline end, with ErrUnavailable, on a store that hangs:
// those for a lease within the lease, and all within five seconds.
func TestCallsOnAHungStoreAreBounded(t *testing.T) {
	lock := func(f func(l *Lock) error) func(r Option, opts []Option) error {
		return func(r Option, opts []Option) error { return f(Cache("default", "k", append(opts, r)...)) }
	}
	ctx := context.Background()
	for name, call := range map[string]func(r Option, opts []Option) error{
		"Acquire":    lock(func(l *Lock) error { return l.Acquire(ctx) }),
		"TryAcquire": lock(func(l *Lock) error { _, err := l.TryAcquire(ctx); return err }),
		"Hold":       lock(func(l *Lock) error { _, err := l.Hold(ctx); return err }),
		"Do":         lock(func(l *Lock) error { return l.Do(ctx, func(context.Context) error { return nil }) }),
		"Read":       func(r Option, o []Option) error { return Read("default", "k", append(o, r)...).Acquire(ctx) },
		"Permit":     func(r Option, o []Option) error { return Permit("default", "k", 3, append(o, r)...).Acquire(ctx) },
		"Inspect":    func(r Option, _ []Option) error { _, err := Inspect(ctx, "default", "k", r); return err },
		"Break":      func(r Option, _ []Option) error { _, err := Break(ctx, "default", "k", r); return err },
		"List": func(r Option, _ []Option) (err error) {
			for _, err = range List(ctx, "default", "", r) {
			}
			return err
		},
	} {
		for _, lease := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, time.Minute, Forever} {
			for _, opts := range [][]Option{nil, {WithRaise(false)}} {
				synctest.Test(t, func(t *testing.T) {
					st := &hungStore{newScripted()}
					b := benchOf(t, st, st.scripted)
					st.script(func(s *scripted) { s.try, s.acquire = hangs, hangs })
					began := time.Now()
					err := call(WithRegistry(b.Registry), append(opts, WithExpire(lease)))
					took := time.Since(began)
					wantIs(t, err, ErrUnavailable)
					wantNot(t, err, ErrLockActive)
					most := min(lease, 5*time.Second)
					if name == "Inspect" || name == "Break" || name == "List" {
						most = 5 * time.Second
					}
					if took > most {
						t.Errorf("%s with a lease of %v took %v", name, lease, took)
					}
					st.script(func(s *scripted) { s.try, s.acquire = nil, nil })
				})
			}
		}
	}
}

// So do Extend and Release, which leave the lease as it is and not active.
func TestExtendAndReleaseOnAHungStoreAreBounded(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(time.Hour))
		mustAcquire(t, l)
		b.store.script(func(s *scripted) { s.extend, s.release = hangs, hangs })
		began := time.Now()
		wantIs(t, l.Extend(context.Background(), time.Hour), ErrUnavailable)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Extend took %v", took)
		}
		if !l.Active() {
			t.Error("not active after an Extend that was not answered")
		}
		began = time.Now()
		wantIs(t, l.Release(context.Background()), ErrLockRelease, ErrUnavailable)
		if took := time.Since(began); took > 5*time.Second || l.Active() {
			t.Errorf("Release took %v, active %t", took, l.Active())
		}
		b.store.script(func(s *scripted) { s.extend, s.release = nil, nil })
		time.Sleep(10 * time.Second)
		if !b.free(t, "k") {
			t.Error("the release was not tried again")
		}
	})
}

// What is given back goes side by side: keys whose release hangs delay no other.
func TestGiveBacksThatHangDelayNoOther(t *testing.T) {
	for _, hung := range []int{1, 20, 300} {
		synctest.Test(t, func(t *testing.T) {
			st := &hungStore{newScripted()}
			b := benchOf(t, st, st.scripted)
			st.script(func(s *scripted) { s.try = replyLost })
			for i := range hung {
				wantIs(t, b.cache(fmt.Sprint("slow", i)).Acquire(t.Context()), errLost)
			}
			time.Sleep(10 * time.Millisecond)
			wantIs(t, b.cache("healthy").Acquire(t.Context()), errLost)
			time.Sleep(100 * time.Millisecond)
			if info, err := st.Store.Inspect(t.Context(), "healthy"); err != nil || len(info.Holders) > 0 {
				t.Errorf("beside %d that hang, a key is not given back: %v, %v", hung, info, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_ = b.Shutdown(ctx)
			b.down = true
		})
	}
}

// Extending a lease that the store handed over is bounded by the wait and by what was
// handed over.
func TestExtendOfALeaseThatIsHandedOverIsBounded(t *testing.T) {
	for _, handed := range []time.Duration{time.Second, 10 * time.Second} {
		for _, wait := range []time.Duration{150 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, concurrent.Config{})
				b.store.handed = handed
				b.store.script(func(s *scripted) { s.extend = hangs })
				r := driver.Request{Key: "k", Owner: "another-process", Lease: 100 * time.Millisecond}
				if _, err := b.store.Store.TryAcquire(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				l, behind := b.cache("k", WithWait(wait)), b.cache("k", WithWait(time.Minute))
				first, second := queued(t, l), queued(t, behind)
				if err := <-first; err != nil {
					t.Errorf("%v handed over, wait %v: %v", handed, wait, err)
				}
				if took := time.Since(began); took > wait+50*time.Millisecond || took > 100*time.Millisecond+handed/2 {
					t.Errorf("%v handed over, wait %v: took %v", handed, wait, took)
				}
				b.store.script(func(s *scripted) { s.extend = nil })
				_ = l.Release(t.Context())
				if err := <-second; err != nil {
					t.Error(err)
				}
				mustRelease(t, behind)
			})
		}
	}
}

// A wait that is shorter than the way to the store gets a free key, and of a held one
// hears that it is held.
func TestWaitShorterThanTheWayToTheStore(t *testing.T) {
	far := func(ctx context.Context, do func() error) error {
		for _, f := range []func() error{func() error { return nil }, do} {
			if err := f(); err != nil {
				time.Sleep(3 * time.Millisecond)
				return err
			}
			select {
			case <-time.After(3 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	for _, wait := range []time.Duration{1, time.Millisecond, 5 * time.Millisecond, 7 * time.Millisecond, time.Second} {
		for name, make := range map[string]func(*scripted) driver.Store{
			"waits":     func(s *scripted) driver.Store { return s },
			"is polled": func(s *scripted) driver.Store { return polling{s} },
		} {
			synctest.Test(t, func(t *testing.T) {
				st := newScripted()
				b := benchOf(t, make(st), st)
				st.script(func(s *scripted) { s.try, s.acquire = far, far })
				began := time.Now()
				for _, l := range []*Lock{
					b.cache("k", WithWait(wait)), Read("default", "r", WithRegistry(b.Registry), WithWait(wait)),
					Permit("default", "p", 2, WithRegistry(b.Registry), WithWait(wait)),
				} {
					mustAcquire(t, l)
					err := b.cache(l.Key(), WithWait(wait)).Acquire(t.Context())
					wantIs(t, err, ErrLockActive)
					wantNot(t, err, ErrUnavailable, ErrLockAcquire)
					mustRelease(t, l)
				}
				if took := time.Since(began); took > 3*(wait+20*time.Millisecond) {
					t.Errorf("a store that %s, wait %v: %v", name, wait, took)
				}
			})
		}
	}
}
