package locks

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// A recorder is an observer that remembers what it was told, with the context.
type recorder struct {
	mu  sync.Mutex
	all []recorded
	do  func(ctx context.Context, e concurrent.Event) // besides; or nil
}

type recorded struct {
	ctx context.Context
	concurrent.Event
}

func (o *recorder) Observe(ctx context.Context, e concurrent.Event) {
	o.mu.Lock()
	o.all = append(o.all, recorded{ctx, e})
	o.mu.Unlock()
	if o.do != nil {
		o.do(ctx, e)
	}
}

func (o *recorder) told() []recorded {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all)
}

// An endingOfAnAttempt makes attempts to get a lock and says how many.
type endingOfAnAttempt func(t *testing.T, b *bench) (attempts int)

// endingsOfAnAttempt are all the ways in which an attempt can end.
func endingsOfAnAttempt() map[string]endingOfAnAttempt {
	ctx := context.Background()
	nothing := func(context.Context) error { return nil }
	all := func(l *Lock) int { // every way to ask
		_ = l.Acquire(ctx)
		_, _ = l.TryAcquire(ctx)
		h, _ := l.Hold(ctx)
		_ = h.Release(ctx)
		_ = l.Release(ctx)
		_ = l.Do(ctx, nothing)
		return 4
	}
	refused := func(o ...Option) endingOfAnAttempt {
		return func(_ *testing.T, b *bench) int { return all(b.cache("k", o...)) }
	}
	return map[string]endingOfAnAttempt{
		"got":             refused(WithLabel("got")),
		"invalid options": refused(WithExpire(0)),
		"bad lease":       refused(WithMaxHold(time.Second)),
		"empty key":       func(_ *testing.T, b *bench) int { return all(b.cache("")) },
		"long key":        func(_ *testing.T, b *bench) int { return all(b.cache(strings.Repeat("k", 5000))) },
		"unknown alias":   func(_ *testing.T, b *bench) int { return all(Cache("nobody", "k", WithRegistry(b.Registry))) },
		"permits":         func(_ *testing.T, b *bench) int { return all(Permit("default", "k", 0, WithRegistry(b.Registry))) },
		"held": func(t *testing.T, b *bench) int {
			holder := b.cache("k")
			mustAcquire(t, holder)
			n := all(b.cache("k")) + all(b.cache("k", WithWait(time.Second))) + all(b.cache("k", WithRaise(false)))
			mustRelease(t, holder)
			return n + 1
		},
		"in line": func(t *testing.T, b *bench) int {
			holder, _, done := lineOf(t, b, 3)
			time.Sleep(time.Second)
			mustRelease(t, holder)
			t.Log(<-done[0])
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_ = b.cache("k", WithWait(Forever)).Acquire(short)
			b.down = true
			return 5
		},
		"ended context": func(_ *testing.T, b *bench) int {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			_ = b.cache("k").Acquire(ended)
			_ = b.cache("k", WithWait(Forever)).Do(ended, nothing)
			return 2
		},
		"active value": func(t *testing.T, b *bench) int {
			for _, l := range []*Lock{b.cache("k"), Read("default", "r", WithRegistry(b.Registry), WithWait(time.Second))} {
				mustAcquire(t, l)
				_ = l.Acquire(ctx)
				_, _ = l.TryAcquire(ctx)
				mustRelease(t, l)
			}
			return 6
		},
		"lost value": func(t *testing.T, b *bench) int {
			l := b.cache("k", WithExpire(time.Second))
			mustAcquire(t, l)
			time.Sleep(2 * time.Second)
			_ = l.Acquire(ctx)
			_ = l.Release(ctx)
			return 2
		},
		"self-deadlock": func(_ *testing.T, b *bench) int {
			l := b.cache("k", WithWait(Forever))
			_ = l.Do(ctx, func(ctx context.Context) error { return l.Do(ctx, nothing) })
			return 2
		},
		"store away": func(_ *testing.T, b *bench) (n int) {
			for _, outage := range outages {
				b.away(outage)
				n += all(b.cache("k")) + all(b.cache("k", WithWait(time.Second)))
				b.away(nil)
				time.Sleep(5 * time.Minute)
			}
			return n
		},
		"late answer": func(_ *testing.T, b *bench) int {
			b.away(after(2 * time.Second))
			n := all(b.cache("k", WithExpire(time.Second)))
			b.away(nil)
			return n
		},
		"driver panics": func(_ *testing.T, b *bench) int {
			b.away(panics)
			for range 3 {
				_ = recovering(func() { _ = b.cache("k").Acquire(ctx) })
				_ = recovering(func() { _ = b.cache("k", WithWait(time.Second)).Do(ctx, nothing) })
			}
			b.away(nil)
			return 6
		},
		"closed": func(t *testing.T, b *bench) int {
			_ = b.Shutdown(t.Context())
			return all(b.cache("k")) + all(b.cache("k", WithWait(Forever)))
		},
	}
}

// Exactly one of acquired and refused follows every attempt, tied to it by an ID, with
// all that is known.
func TestEveryAttemptIsToldOnce(t *testing.T) {
	for name, f := range endingsOfAnAttempt() {
		in(t, func(t *testing.T, b *bench) {
			o := new(recorder)
			b.Registry.Observe(o)
			attempts := f(t, b)
			if b.down { // who waits still is to be told as well
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_ = b.Shutdown(ctx)
			}
			synctest.Wait()
			ends := make(map[uint64]concurrent.Event)
			for _, e := range o.told() {
				switch {
				case e.Kind != concurrent.EventAcquired && e.Kind != concurrent.EventRefused:
					continue
				case e.ID == 0, ends[e.ID].Kind != 0:
					t.Errorf("%s: ID %d again: %+v", name, e.ID, e.Event)
				case (e.Kind == concurrent.EventAcquired) != (e.Token != 0), (e.Kind == concurrent.EventRefused) != (e.Err != nil):
					t.Errorf("%s: %v with token %d, %v", name, e.Kind, e.Token, e.Err)
				}
				ends[e.ID] = e.Event
			}
			if len(ends) != attempts {
				t.Errorf("%s: told of %d ends of %d attempts", name, len(ends), attempts)
			}
			for _, e := range o.told() {
				if e.Kind == concurrent.EventStoreWarning {
					continue
				}
				end, ok := ends[e.ID]
				if !ok {
					t.Errorf("%s: %v of no attempt: ID %d", name, e.Kind, e.ID)
				}
				if end.Key != e.Key || end.Alias != e.Alias || end.Label != e.Label || end.Mode != e.Mode {
					t.Errorf("%s: %v is about %+v, its attempt %+v", name, e.Kind, e.Event, end)
				}
			}
		})
	}
}

// Events say label, mode and how long the lease was held, each in its attempt's ID.
func TestEventsSayWhatIsKnown(t *testing.T) {
	for name, mode := range map[string]driver.Mode{"cache": driver.Exclusive, "read": driver.Shared, "permit": driver.Slots(2)} {
		in(t, func(t *testing.T, b *bench) {
			l := locksOfEveryKind(WithRegistry(b.Registry))[name](WithLabel("the job"), WithKeepAlive(3*time.Second))
			mustAcquire(t, l)
			time.Sleep(10 * time.Second)
			mustRelease(t, l)
			lost := locksOfEveryKind(WithRegistry(b.Registry))[name](WithLabel("the job"), WithExpire(time.Second))
			mustAcquire(t, lost)
			time.Sleep(2 * time.Second)
			wantIs(t, lost.Release(t.Context()), ErrLockExpired)
			synctest.Wait()
			for kind, held := range map[concurrent.EventKind]time.Duration{
				concurrent.EventAcquired: 0, concurrent.EventRenewed: 0, concurrent.EventReleased: 10 * time.Second,
				concurrent.EventLost: usableOf(time.Second),
			} {
				events := b.saw(kind)
				if len(events) == 0 {
					t.Fatalf("%s: %v is not told", name, kind)
				}
				e := events[0]
				if e.Label != "the job" || e.Mode != mode || e.Token == 0 || e.ID == 0 || e.Held < held || e.Held > held+10*time.Millisecond {
					t.Errorf("%s: %v: %+v", name, kind, e)
				}
			}
			if got, released := b.saw(concurrent.EventAcquired), b.saw(concurrent.EventReleased); got[0].ID != released[0].ID || got[0].ID == got[1].ID {
				t.Errorf("%s: IDs %v and %v", name, got, released)
			}
		})
	}
}

// The value is active when its observer hears that it was acquired, however it was got.
func TestValueIsActiveWhenItIsToldAcquired(t *testing.T) {
	for name := range locksOfEveryKind(nil) {
		if name == "local" {
			continue // which no observer hears of
		}
		in(t, func(t *testing.T, b *bench) {
			var l, heir *Lock
			var told atomic.Int32
			b.Registry.Observe(&recorder{do: func(_ context.Context, e concurrent.Event) {
				switch e.Kind {
				case concurrent.EventAcquired:
					who := l
					if told.Add(1) > 1 {
						who = heir
					}
					if !who.Active() || who.Token() != e.Token || who.Remaining() == 0 || who.Context(context.Background()).Err() != nil {
						t.Errorf("%s: active %t, token %d of %d", name, who.Active(), who.Token(), e.Token)
					}
				case concurrent.EventReleased:
					if l.Active() {
						t.Errorf("%s: active when told released", name)
					}
				}
			}})
			make := locksOfEveryKind(WithRegistry(b.Registry))[name]
			l, heir = make(WithWait(time.Minute)), make(WithWait(time.Minute))
			mustAcquire(t, l)
			done := queued(t, heir)
			mustRelease(t, l)
			if err := <-done; err != nil || told.Load() != 2 {
				t.Errorf("%s: %v, told %d times", name, err, told.Load())
			}
			mustRelease(t, heir)
		})
	}
}

// Every event comes with the values of its caller's context, and without its end.
func TestEventsCarryTheCallersValues(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		o := &recorder{do: func(ctx context.Context, e concurrent.Event) {
			_, deadline := ctx.Deadline()
			if got := ctx.Value(contextKeyOfATest{}); e.Kind != concurrent.EventStoreWarning && got != e.Key || ctx.Err() != nil || deadline {
				t.Errorf("%v of %q: value %v, %v", e.Kind, e.Key, got, ctx.Err())
			}
		}}
		b.Registry.Observe(o)
		asked := func(key string) (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.WithValue(t.Context(), contextKeyOfATest{}, key), time.Second)
		}
		for _, key := range []string{"renewed", "lost", "released"} {
			ctx, cancel := asked(key)
			defer cancel()
			l := b.cache(key, WithKeepAlive(3*time.Second), WithWait(time.Minute))
			if err := l.Acquire(ctx); err != nil {
				t.Fatal(err)
			}
			wantIs(t, b.cache(key).Acquire(ctx), ErrLockActive)
			wantIs(t, b.cache(key, WithWait(time.Hour)).Acquire(ctx), ErrLockActive)
			cancel()
			time.Sleep(10 * time.Second)
			if key == "lost" {
				b.store.script(func(s *scripted) { s.extend = fails })
				time.Sleep(10 * time.Second)
				b.store.script(func(s *scripted) { s.extend = nil })
			}
			_ = l.Release(context.Background())
		}
		kinds := make(map[concurrent.EventKind]bool)
		for _, e := range o.told() {
			kinds[e.Kind] = true
		}
		for kind := concurrent.EventAcquired; kind < concurrent.EventLeaked; kind++ {
			if !kinds[kind] {
				t.Errorf("%v was not told", kind)
			}
		}
	})
}
