package locks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Errors are one line with the operation, the key and the reason, and no
// package's name twice.
func TestErrorText(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		mustAcquire(t, l)
		if got, want := b.cache("k").Acquire(t.Context()).Error(), `locks: acquire "k" on "default": key is held by another: pid `; got[:min(len(got), len(want))] != want {
			t.Errorf("%q, want %q …", got, want)
		}
		if got, want := Local().Release(t.Context()).Error(), "locks: release: key is not held by this owner"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		mustRelease(t, l)
		expired := b.cache("k", WithExpire(time.Second))
		mustAcquire(t, expired)
		time.Sleep(time.Second)
		if got, want := expired.Release(t.Context()).Error(), `locks: release "k" on "default": lease ended`; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// One *Error says what failed, for which key; errors.Is finds the rest.
func TestErrorFields(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		held := b.cache("k")
		mustAcquire(t, held)
		lost := b.cache("lost", WithExpire(time.Second))
		mustAcquire(t, lost)
		ctx := lost.Context(t.Context())
		time.Sleep(2 * time.Second)
		for name, test := range map[string]struct {
			err  error
			want Error
			is   error
		}{
			"acquire": {b.cache("k").Acquire(t.Context()), Error{Op: "acquire", Alias: "default", Key: "k"}, ErrLockActive},
			"do":      {b.cache("k").Do(t.Context(), func(context.Context) error { return nil }), Error{Op: "do", Alias: "default", Key: "k"}, ErrLockActive},
			"nil fn":  {held.Do(t.Context(), nil), Error{Op: "do", Alias: "default", Key: "k"}, ErrInvalidOption},
			"extend":  {lost.Extend(t.Context(), time.Minute), Error{Op: "extend", Alias: "default", Key: "lost"}, ErrLockExpired},
			"cause":   {context.Cause(ctx), Error{Op: "hold", Alias: "default", Key: "lost"}, ErrLockExpired},
			"release": {lost.Release(t.Context()), Error{Op: "release", Alias: "default", Key: "lost"}, ErrLockExpired},
			"local":   {Local().Release(t.Context()), Error{Op: "release"}, ErrNotHeld},
		} {
			e, ok := errors.AsType[*Error](test.err)
			if !ok {
				t.Errorf("%s: %v is no *Error", name, test.err)
				continue
			}
			if got := (Error{Op: e.Op, Alias: e.Alias, Key: e.Key}); got != test.want {
				t.Errorf("%s: %+v, want %+v", name, got, test.want)
			}
			if !errors.Is(e.Unwrap(), test.is) {
				t.Errorf("%s: %v, want %v", name, e.Err, test.is)
			}
			if text := e.Error(); strings.Count(text, "locks:") != 1 || strings.Contains(text, "driver:") || strings.Contains(text, "\n") {
				t.Errorf("%s: %q names packages more than once, or is not one line", name, text)
			}
		}
		mustRelease(t, held)
	})
}

// Each sentinel matches itself and no other, but that a lease which expired is
// lost.
func TestSentinels(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		ErrLockActive, ErrLockAcquire, ErrLockRelease, ErrLockLost, ErrLockExpired, ErrInvalidOption,
		ErrNotHeld, ErrClosed, ErrInvalidRequest, ErrUnavailable, ErrUnsupported, ErrUnfit,
	}
	for i, err := range sentinels {
		wrapped := &Error{Op: "acquire", Err: withCause(err, errors.New("the reason"))}
		for j, target := range sentinels {
			want := i == j || err == ErrLockExpired && target == ErrLockLost //nolint:errorlint // which of the sentinels it is
			if got := errors.Is(wrapped, target); got != want {
				t.Errorf("%v matches %v: %t, want %t", err, target, got, want)
			}
		}
		if !strings.HasSuffix(wrapped.Error(), ": the reason") {
			t.Errorf("%q does not say the reason", wrapped)
		}
	}
	for own, drivers := range map[error]error{
		ErrNotHeld: driver.ErrNotHeld, ErrClosed: driver.ErrClosed, ErrInvalidRequest: driver.ErrInvalidRequest,
		ErrUnavailable: driver.ErrUnavailable, ErrUnsupported: driver.ErrUnsupported, ErrUnfit: driver.ErrUnfit,
	} {
		wantIs(t, own, drivers)
	}
}

// A key is quoted, whatever bytes it has.
func TestErrorQuotesKeys(t *testing.T) {
	t.Parallel()
	err := &Error{Op: "acquire", Alias: "a", Key: "line\nbreak\x00\xff", Err: ErrLockActive}
	if got, want := err.Error(), `locks: acquire "line\nbreak\x00\xff" on "a": key is held by another`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a store returns is found through the error of the lock.
func TestStoresErrorsComeThrough(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for _, cause := range []error{ErrUnavailable, ErrUnsupported, ErrInvalidRequest, ErrClosed, errLost, context.DeadlineExceeded} {
			b.store.script(func(s *scripted) {
				s.try = func(context.Context, func() error) error { return cause }
				s.acquire = s.try
			})
			for _, wait := range []time.Duration{0, time.Minute} {
				err := b.cache("k", WithWait(wait)).Acquire(t.Context())
				wantIs(t, err, ErrLockAcquire, cause)
				wantNot(t, err, ErrLockActive)
			}
		}
		b.store.script(func(s *scripted) { s.try, s.acquire = nil, nil })
		time.Sleep(time.Minute)
	})
}

// A refusal says once that the key is held, whatever the store knows of it.
func TestRefusalSaysOnceThatTheKeyIsHeld(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		held error
		want string
	}{
		{driver.ErrHeld, "key is held by another"},
		{&driver.HeldError{}, "key is held by another"},
		{&driver.HeldError{For: time.Minute}, "key is held by another, for up to 1m0s"},
		{&driver.HeldError{For: Forever}, "key is held by another until it is released"},
		{&driver.HeldError{For: time.Minute, Holder: driver.Holder{Host: "web", PID: 7}}, "key is held by another: pid 7 on web, for up to 1m0s"},
	} {
		err := &Error{Op: "acquire", Alias: "a", Key: "k", Err: withCause(ErrLockActive, test.held)}
		if want := `locks: acquire "k" on "a": ` + test.want; err.Error() != want {
			t.Errorf("%q, want %q", err.Error(), want)
		}
	}
}
