package locks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// wellSaid fails if err is of more than one line, is long, or says a thing twice.
func wellSaid(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	text := err.Error()
	if strings.ContainsAny(text, "\n\r") {
		t.Errorf("%s: %q is not one line", what, text)
	}
	if len(text) > 600 {
		t.Errorf("%s: %d bytes: %s", what, len(text), text)
	}
	for _, once := range []string{
		"context deadline exceeded", "context canceled", "locks: ", "driver: ", "key is held by another", "store unavailable",
		"lock could not be acquired", "release was not confirmed", "lock was lost", "lease ended",
	} {
		if strings.Count(text, once) > 1 {
			t.Errorf("%s says %q %d times: %s", what, once, strings.Count(text, once), text)
		}
	}
}

// Errors of every kind are one line, show a long key in part, and say nothing twice.
func TestErrorsAreWellSaid(t *testing.T) {
	for _, key := range []string{"k", strings.Repeat("key ", 200), strings.Repeat("x", 1500), "two\nlines"} {
		for how, outage := range outages {
			in(t, func(t *testing.T, b *bench) {
				short := func() context.Context {
					ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
					context.AfterFunc(ctx, cancel)
					return ctx
				}
				ended, cancel := context.WithCancel(context.Background())
				cancel()
				nothing := func(context.Context) error { return nil }
				held := b.cache(key)
				if held.Acquire(t.Context()) == nil {
					wellSaid(t, "held", b.cache(key).Acquire(t.Context()))
					wellSaid(t, "held, waited", b.cache(key, WithWait(time.Second)).Acquire(t.Context()))
					wellSaid(t, "held, deadline", b.cache(key, WithWait(time.Second)).Acquire(short()))
					b.store.script(func(s *scripted) { s.extend, s.release = outage, outage })
					wellSaid(t, "extend", held.Extend(short(), time.Minute))
					wellSaid(t, "release", held.Release(short()))
					b.store.script(func(s *scripted) { s.extend, s.release = nil, nil })
				}
				b.away(outage)
				for _, wait := range []time.Duration{0, 10 * time.Millisecond, time.Second} {
					l := b.cache(key, WithWait(wait))
					what := fmt.Sprintf("%s, wait %v, key of %d bytes", how, wait, len(key))
					wellSaid(t, what, l.Acquire(t.Context()))
					wellSaid(t, what+", deadline", l.Acquire(short()))
					wellSaid(t, what+", ended", l.Acquire(ended))
					wellSaid(t, what+", Do", l.Do(short(), nothing))
				}
				b.away(nil)
				wellSaid(t, "options", Cache("default", key, WithExpire(0), WithKeep(), WithMinHold(-1)).Acquire(t.Context()))
				wellSaid(t, "alias", Cache(strings.Repeat("alias ", 500), key, WithRegistry(b.Registry)).Acquire(t.Context()))
				time.Sleep(10 * time.Minute)
			})
		}
	}
}

// What fn of Do returned and what the release returned are one line together.
func TestErrorsOfDoAreOneLine(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		err := b.cache("k", WithExpire(time.Second)).Do(t.Context(), func(context.Context) error {
			time.Sleep(time.Minute)
			return errors.Join(errors.New("one"), errors.New("two"))
		})
		wantIs(t, err, ErrLockExpired, ErrLockLost)
		wellSaid(t, "Do", err)
		if !strings.Contains(err.Error(), "one") || !strings.Contains(err.Error(), "two") {
			t.Errorf("%v does not say what fn returned", err)
		}
	})
}

// Secrets that somebody wrote where a name belongs are not repeated.
func TestErrorsShowNoPassword(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for _, alias := range []string{
			"redis://app:hunter2@db:6379/0", "host=db user=app password=hunter2", "Server=db;Password=hunter2",
			"redis//app:hunter2@db/0", "db:6379,password=hunter2", "jdbc:postgresql://db/x?password=hunter2",
			"?options=password%3Dhunter2", "postgres://db/x?password=hunter2", "redis://:hunter2@db\n",
		} {
			l := Cache(alias, "k", WithRegistry(b.Registry))
			_, inspect := Inspect(t.Context(), alias, "k", WithRegistry(b.Registry))
			_, broke := Break(t.Context(), alias, "k", WithRegistry(b.Registry))
			var list error
			for _, list = range List(t.Context(), alias, "", WithRegistry(b.Registry)) {
			}
			_, hold := l.Hold(t.Context())
			texts := []string{l.String(), context.Cause(l.Context(t.Context())).Error()}
			for _, err := range []error{
				l.Acquire(t.Context()), l.Release(t.Context()), l.Extend(t.Context(), time.Minute), inspect, broke, list, hold,
				l.Do(t.Context(), func(context.Context) error { return nil }), l.Do(t.Context(), nil),
				Cache(alias, "k", WithRegistry(b.Registry), WithExpire(0)).Acquire(t.Context()),
			} {
				wellSaid(t, alias, err)
				texts = append(texts, err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err))
			}
			for kind := concurrent.EventAcquired; kind <= concurrent.EventStoreWarning; kind++ {
				for _, e := range b.saw(kind) {
					texts = append(texts, fmt.Sprintf("%+v", e))
				}
			}
			for _, text := range texts {
				if strings.Contains(text, "hunter2") {
					t.Errorf("of %q: %s", alias, text)
				}
			}
		}
	})
}

// A refusal says who holds the key, where that is known.
func TestRefusalNamesTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		b := benchOf(t, naming{st}, st)
		if _, err := st.Store.TryAcquire(t.Context(), driver.Request{Key: "k", Owner: "another", Lease: time.Hour}); err != nil {
			t.Fatal(err)
		}
		_, hold := b.cache("k").Hold(t.Context())
		for name, err := range map[string]error{
			"at once": b.cache("k").Acquire(t.Context()),
			"waited":  b.cache("k", WithWait(time.Minute)).Acquire(t.Context()),
			"Do":      b.cache("k").Do(t.Context(), func(context.Context) error { return nil }),
			"Hold":    hold,
		} {
			wantIs(t, err, ErrLockActive)
			if held, ok := errors.AsType[*driver.HeldError](err); !ok || held.Holder != elsewhere {
				t.Errorf("%s: no holder in %v", name, err)
			}
			for _, part := range []string{"another job", "pid 7", "elsewhere"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %v does not say %q", name, err, part)
				}
			}
		}
		for _, e := range b.saw(concurrent.EventRefused) {
			if !strings.Contains(e.Err.Error(), "another job") {
				t.Errorf("told %v", e.Err)
			}
		}
	})
}

// A lease that is not renewed ends with ErrLockExpired, whatever an Extend tried that
// failed.
func TestExpiryAfterAnExtendThatFailed(t *testing.T) {
	for how, outage := range outages {
		for _, d := range []time.Duration{Forever, time.Hour, 20 * time.Second, time.Second} {
			in(t, func(t *testing.T, b *bench) {
				l := b.cache("k", WithExpire(10*time.Second))
				mustAcquire(t, l)
				ctx := l.Context(t.Context())
				b.store.script(func(s *scripted) { s.extend = outage })
				short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if l.Extend(short, d) == nil {
					t.Fatal("extended")
				}
				b.store.script(func(s *scripted) { s.extend = nil })
				time.Sleep(12 * time.Second)
				wantIs(t, context.Cause(ctx), ErrLockExpired)
				err := l.Release(t.Context())
				if !errors.Is(err, ErrLockExpired) {
					t.Errorf("%s, Extend(%v): %v", how, d, err)
				}
				time.Sleep(2 * time.Hour)
				if !b.free(t, "k") {
					t.Errorf("%s, Extend(%v): held for ever", how, d)
				}
			})
		}
	}
}

// Zero and nil values are refused, and never a panic.
func TestZeroValuesArePolite(t *testing.T) {
	ctx := context.Background()
	var none *Keyed[int]
	for name, l := range map[string]*Lock{
		"nil": nil, "zero": {}, "of a nil Keyed": none.Lock(1), "of a zero Keyed": new(Keyed[int]).Read(1),
		"of a Keyed without a function": NewKeyed[int]("default", nil).Lock(1),
	} {
		_, try := l.TryAcquire(ctx)
		_, hold := l.Hold(ctx)
		_, do := Do(ctx, l, func(context.Context) (int, error) { return 1, nil })
		_, get := GetOrSet(ctx, l,
			func(context.Context) (int, bool, error) { return 0, false, nil },
			func(context.Context) (int, error) { return 1, nil })
		for op, err := range map[string]error{
			"Acquire": l.Acquire(ctx), "TryAcquire": try, "Hold": hold, "Do[T]": do, "GetOrSet": get,
			"Do": l.Do(ctx, func(context.Context) error { return nil }),
		} {
			if !errors.Is(err, ErrInvalidOption) {
				t.Errorf("%s of a lock that is %s: %v", op, name, err)
			}
		}
		wantIs(t, l.Release(ctx), ErrNotHeld)
		wantIs(t, l.Extend(ctx, time.Minute), ErrNotHeld)
		wantIs(t, context.Cause(l.Context(ctx)), ErrNotHeld)
		if l.Active() || l.Token() != 0 || l.Remaining() != 0 {
			t.Errorf("a lock that is %s holds something", name)
		}
		_ = l.Key() + l.String()
	}
	for name, h := range map[string]*Lease{"nil": nil, "zero": {}} {
		wantIs(t, h.Release(ctx), ErrNotHeld)
		wantIs(t, h.Extend(ctx, time.Minute), ErrNotHeld)
		wantIs(t, context.Cause(h.Context(ctx)), ErrNotHeld)
		if h.Active() || h.Token() != 0 || h.Remaining() != 0 || h.Key() != "" || h.String() == "" {
			t.Errorf("a Lease that is %s holds something", name)
		}
	}
	for name, e := range map[string]*Error{"nil": nil, "zero": {}} {
		if text := e.Error() + fmt.Sprintf("%v", e); text == "" {
			t.Errorf("the text of an Error that is %s is empty", name)
		}
	}
	wantNot(t, &Error{}, ErrLockActive)
	if _, ok := Held(ctx); ok {
		t.Error("a lease of nothing")
	}
	if (*Error)(nil).Unwrap() != nil {
		t.Error("a nil Error wraps something")
	}
}

// Local locks of nonsense, and nil functions, are refused too.
func TestNilFunctionsAreRefused(t *testing.T) {
	ctx := context.Background()
	l := Local()
	_, do := Do[int](ctx, l, nil)
	_, get := GetOrSet[int](ctx, l, nil, nil)
	_, none := Do(ctx, nil, func(context.Context) (int, error) { return 1, nil })
	for op, err := range map[string]error{"Do": l.Do(ctx, nil), "Do[T]": do, "GetOrSet": get, "no Doer": none} {
		if !errors.Is(err, ErrInvalidOption) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// Inspect, List and Break show who has a lease that was handed on in this process, not
// who had it first.
func TestInspectAfterALeaseWasHandedOn(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, heirs, done := lineOf(t, b, 2, WithExpire(Forever))
		for i, l := range heirs {
			time.Sleep(3 * time.Millisecond)
			before := holder
			if i > 0 {
				before = heirs[i-1]
			}
			got := time.Now()
			mustRelease(t, before)
			if err := <-done[i]; err != nil {
				t.Fatal(err)
			}
			infos := make(map[string]Info)
			infos["Inspect"], _ = Inspect(t.Context(), "default", "k", WithRegistry(b.Registry))
			for info, err := range List(t.Context(), "default", "", WithRegistry(b.Registry)) {
				if err != nil {
					t.Fatal(err)
				}
				infos["List"] = info
			}
			for op, info := range infos {
				if len(info.Holders) != 1 || info.Holders[0].Token != l.Token() || !info.Holders[0].Since.Equal(got) {
					t.Errorf("%s: %+v, but the holder has token %d since %v", op, info, l.Token(), got)
				}
			}
		}
		if n := b.store.count("release"); n != 0 {
			t.Fatalf("not handed on: %d releases", n)
		}
		mustRelease(t, heirs[1])
	})
}

// A driver may say within its error that the caller's time was over.
func TestEndOfTheCallersTimeIsSaidOnce(t *testing.T) {
	for name, wrap := range map[string]func(err error) error{
		"plain":  func(err error) error { return err },
		"ends":   func(err error) error { return fmt.Errorf("%w: read tcp: %w", ErrUnavailable, err) },
		"begins": func(err error) error { return fmt.Errorf("%w: read tcp", err) },
		"within": func(err error) error { return fmt.Errorf("read tcp: %w (hung)", err) },
		"joined": func(err error) error { return errors.Join(ErrUnavailable, err) },
	} {
		in(t, func(t *testing.T, b *bench) {
			b.store.script(func(s *scripted) {
				s.try = func(ctx context.Context, _ func() error) error {
					<-ctx.Done()
					return wrap(ctx.Err())
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := b.cache("k").Acquire(ctx)
			wantIs(t, err, ErrLockAcquire, context.DeadlineExceeded)
			if said := strings.Count(err.Error(), "deadline exceeded"); said != 1 {
				t.Errorf("%s: said %d times: %v", name, said, err)
			}
		})
	}
}
