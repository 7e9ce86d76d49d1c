package locks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// outages are the ways in which a store can be away.
var outages = map[string]step{
	"refuses": fails,
	"hangs":   hangsFor(5 * time.Second),
	"is slow": hangsFor(700 * time.Millisecond),
	"loses":   replyLost,
}

// hangsFor is a driver that notices after d that its store does not answer.
func hangsFor(d time.Duration) step {
	return func(ctx context.Context, _ func() error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return driver.ErrUnavailable
		}
	}
}

// away has every call that acquires go wrong.
func (b *bench) away(s step) { b.store.script(func(st *scripted) { st.try, st.acquire = s, s }) }

// waiters are locks of one key that wait, in each mode and with each kind of store.
func waiters(r Option, opts ...Option) map[string]func() *Lock {
	opts = append(opts, r)
	return map[string]func() *Lock{
		"cache":  func() *Lock { return Cache("default", "k", opts...) },
		"read":   func() *Lock { return Read("default", "k", opts...) },
		"permit": func() *Lock { return Permit("default", "k", 100, opts...) },
	}
}

// A wait outlives an outage, for everyone in the line, and the observer hears of it
// once a wait.
func TestWaitOutlivesAnOutage(t *testing.T) {
	for how, outage := range outages {
		for mode := range waiters(nil) {
			for _, long := range []time.Duration{time.Second, 20 * time.Second, 10 * time.Minute} {
				for _, polled := range []bool{false, true} {
					what := fmt.Sprintf("%s, %s, %v, polled %t", how, mode, long, polled)
					outageOf(t, polled, func(t *testing.T, b *bench) {
						b.away(outage)
						make := waiters(WithRegistry(b.Registry), WithWait(time.Hour))[mode]
						var all sync.WaitGroup
						for range 4 {
							l := make()
							all.Go(func() {
								if err := l.Do(context.Background(), func(context.Context) error { return nil }); err != nil {
									t.Errorf("%s: %v", what, err)
								}
							})
						}
						time.Sleep(long)
						b.away(nil)
						began := time.Now()
						all.Wait()
						if took := time.Since(began); took > 10*time.Second {
							t.Errorf("%s: got %v after the store was back", what, took)
						}
						warned := b.saw(concurrent.EventStoreWarning)
						if long > 10*time.Second && (len(warned) == 0 || len(warned) > 4) {
							t.Errorf("%s: told of %d outages", what, len(warned))
						}
						for _, e := range warned {
							if how != "loses" {
								wantIs(t, e.Err, ErrUnavailable)
							}
							if e.Key != "k" || e.ID == 0 {
								t.Errorf("%s: told of %+v", what, e)
							}
						}
					})
				}
			}
		}
	}
}

// outageOf gives a test a store that waits, or one that is polled.
func outageOf(t *testing.T, polled bool, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		var store driver.Store = st
		if polled {
			store = polling{st}
		}
		f(t, benchOf(t, store, st))
	})
}

// A wait that met nothing but an outage ends with ErrUnavailable, never as if another
// held the key: for everyone in the line, however it ends.
func TestWaitThatMetAnOutageIsUnavailable(t *testing.T) {
	for how, outage := range outages {
		if how == "loses" {
			continue // it says that the key is held: by what it granted and could not tell
		}
		for mode := range waiters(nil) {
			for _, raise := range []bool{true, false} {
				for _, polled := range []bool{false, true} {
					what := fmt.Sprintf("%s, %s, raise %t, polled %t", how, mode, raise, polled)
					outageOf(t, polled, func(t *testing.T, b *bench) {
						b.away(outage)
						opts := []Option{WithRegistry(b.Registry), WithRaise(raise)}
						ends := map[string]func() error{
							"wait over": func() error { return waiters(WithWait(3*time.Second), opts...)[mode]().Acquire(context.Background()) },
							"short wait": func() error {
								return waiters(WithWait(10*time.Millisecond), opts...)[mode]().Acquire(context.Background())
							},
							"deadline": func() error {
								ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
								defer cancel()
								err := waiters(WithWait(time.Hour), opts...)[mode]().Acquire(ctx)
								wantIs(t, err, context.DeadlineExceeded)
								return err
							},
							"cancel": func() error {
								ctx, cancel := context.WithCancel(context.Background())
								time.AfterFunc(2*time.Second, cancel)
								err := waiters(WithWait(Forever), opts...)[mode]().Acquire(ctx)
								wantIs(t, err, context.Canceled)
								return err
							},
							"Hold": func() error {
								_, err := waiters(WithWait(time.Second), opts...)[mode]().Hold(context.Background())
								return err
							},
						}
						var all sync.WaitGroup
						for range 3 { // one of them is the head of the line
							for name, f := range ends {
								all.Go(func() {
									err := f()
									if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrLockAcquire) || errors.Is(err, ErrLockActive) {
										t.Errorf("%s, %s: %v", what, name, err)
									}
								})
							}
						}
						all.Wait()
						b.away(nil)
						time.Sleep(10 * time.Minute) // what may have been granted is given back
						if !b.free(t, "k") {
							t.Errorf("%s: held", what)
						}
					})
				}
			}
		}
	}
}

// Where a holder in this process has the key, it is held by another, whatever the store
// says.
func TestWaitBehindAHolderOfThisProcessInAnOutage(t *testing.T) {
	for how, outage := range outages {
		in(t, func(t *testing.T, b *bench) {
			holder := b.cache("k", WithWait(time.Second), WithLabel("the nightly job"), WithExpire(time.Hour))
			mustAcquire(t, holder)
			b.away(outage)
			for range 2 {
				err := b.cache("k", WithWait(3*time.Second)).Acquire(t.Context())
				wantIs(t, err, ErrLockActive)
				wantNot(t, err, ErrUnavailable)
				if held, ok := errors.AsType[*driver.HeldError](err); !ok || held.Holder.Label != "the nightly job" {
					t.Errorf("%s: %v does not name the holder", how, err)
				}
			}
			b.away(nil)
			mustRelease(t, holder)
			time.Sleep(10 * time.Minute)
		})
	}
}

// A key that another process has is held, also when the wait's last words come from a
// store that went away a moment ago; after a longer outage nobody knows.
func TestWaitThatWasToldOfAHolder(t *testing.T) {
	for how, outage := range outages {
		synctest.Test(t, func(t *testing.T) {
			st := newScripted()
			b := benchOf(t, naming{st}, st)
			r := driver.Request{Key: "k", Owner: "another", Lease: time.Hour}
			if _, err := b.store.Store.TryAcquire(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			first := queued(t, b.cache("k", WithWait(3*time.Second)))
			for _, done := range []<-chan error{queued(t, b.cache("k", WithWait(2*time.Second))), first} {
				err := <-done
				wantIs(t, err, ErrLockActive)
				if held, ok := errors.AsType[*driver.HeldError](err); !ok || held.Holder.Host != "elsewhere" {
					t.Errorf("%s: %v does not name the holder", how, err)
				}
			}
			b.away(outage)
			time.Sleep(time.Minute)
			wantIs(t, b.cache("k", WithWait(time.Second)).Acquire(t.Context()), ErrUnavailable)
			b.away(nil)
			time.Sleep(10 * time.Minute)
		})
	}
}

// unheard is a store that does not say of a waiting call that the key is held.
type unheard struct{ *scripted }

func (s unheard) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	r.OnHeld = nil
	return s.scripted.Acquire(ctx, r)
}

// What was heard of a key long ago is no word of it for whoever waits for the value,
// either: nobody knows what became of the holder in an outage.
func TestWaitForAValueDoesNotHearOldWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := benchOf(t, unheard{st}, st)
		elsewhereHolds(t, b, time.Hour)
		l := Read("default", "k", WithRegistry(b.Registry), WithWait(Forever))
		ctx, cancel := context.WithCancel(t.Context())
		b.store.script(func(s *scripted) {
			s.acquire = func(context.Context, func() error) error {
				s.script(func(s *scripted) { s.acquire = hangs })
				return driver.ErrHeld
			}
		})
		first := meanwhile(func() error { return l.Acquire(ctx) })
		time.Sleep(time.Minute)
		late, end := context.WithTimeout(t.Context(), 5*time.Second)
		defer end()
		err := l.Acquire(late)
		wantIs(t, err, ErrUnavailable, context.DeadlineExceeded)
		wantNot(t, err, ErrLockActive)
		cancel()
		<-first
	})
}

// naming is a store that says of every key that is held that it is by one elsewhere.
type naming struct{ *scripted }

func (s naming) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	g, err := s.scripted.TryAcquire(ctx, r)
	return g, named(err)
}

func (s naming) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if told := r.OnHeld; told != nil {
		r.OnHeld = func(held *driver.HeldError) {
			held.Holder = elsewhere
			told(held)
		}
	}
	g, err := s.scripted.Acquire(ctx, r)
	return g, named(err)
}

var elsewhere = driver.Holder{Host: "elsewhere", PID: 7, Label: "another job"}

func named(err error) error {
	if held, ok := errors.AsType[*driver.HeldError](err); ok {
		held.Holder = elsewhere
	}
	return err
}

// absentStore is a driver whose store can't be opened while it is away.
type absentStore struct{ away, asked atomic.Int32 }

var absent absentStore

func init() { concurrent.Register("absent", &absent) }

func (d *absentStore) Connector(*url.URL) (driver.Connector, error) { return d, nil }

func (d *absentStore) Open(ctx context.Context) (driver.Store, error) {
	d.asked.Add(1)
	switch d.away.Load() {
	case 1:
		return nil, driver.ErrUnavailable
	case 2:
		<-ctx.Done()
		return nil, ctx.Err()
	case 3:
		return nil, driver.ErrUnfit
	}
	return memory.New(), nil
}

// A wait outlives that the store can't be opened; without one, the refusal is told, as
// any other is.
func TestWaitForAStoreThatCantBeOpened(t *testing.T) {
	for _, how := range []int32{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{Registry: concurrent.NewRegistry()}
			if err := b.Configure(concurrent.Aliases{"default": {URL: "absent://"}}); err != nil {
				t.Fatal(err)
			}
			b.Registry.Observe(b)
			absent.away.Store(how)
			began := time.Now()
			wantIs(t, b.cache("k").Acquire(context.Background()), ErrLockAcquire, ErrUnavailable)
			wantIs(t, b.cache("k", WithRaise(false), WithWait(2*time.Second)).Acquire(context.Background()), ErrLockAcquire, ErrUnavailable)
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
			if n := len(b.saw(concurrent.EventRefused)); n != 2 {
				t.Errorf("told of %d refusals, want 2", n)
			}
			waiter := b.cache("k", WithWait(time.Hour))
			done := queued(t, waiter)
			time.Sleep(time.Minute)
			absent.away.Store(0)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			told := b.saw(concurrent.EventStoreWarning)
			if n := len(told); n == 0 || n > 2 || told[n-1].Key != "k" || !errors.Is(told[n-1].Err, ErrUnavailable) {
				t.Errorf("that waits go on although the store can't be opened was told as %v", told)
			}
			mustRelease(t, waiter)
			if err := b.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A store that is not fit is no outage: the wait ends at once.
func TestWaitForAStoreThatIsNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{"default": {URL: "absent://"}}); err != nil {
			t.Fatal(err)
		}
		absent.away.Store(3)
		began := time.Now()
		err := Cache("default", "k", WithRegistry(r), WithWait(Forever)).Acquire(context.Background())
		wantIs(t, err, ErrLockAcquire, ErrUnfit)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		absent.away.Store(0)
	})
}
