package locks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

// What a program can do wrong with a lock is a typed error that says what was
// wrong, and where it is not plain what would be right. Options have a test of
// their own.
func TestMisuseIsATypedErrorThatSaysSo(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		lost, released := b.cache("lost", WithExpire(time.Second)), b.cache("released")
		for _, l := range []*Lock{lost, released} {
			mustAcquire(t, l)
		}
		mustRelease(t, released)
		time.Sleep(2 * time.Second)
		none := func(context.Context) error { return nil }
		for name, test := range map[string]struct {
			err  error
			is   []error
			says []string
		}{
			"an unknown alias":      {Cache("defaul", "k", r).Acquire(t.Context()), []error{ErrLockAcquire, concurrent.ErrUnknownAlias}, []string{`"defaul"`, `"default"`}},
			"an ended context":      {b.cache("k").Acquire(ended), []error{ErrLockAcquire, context.Canceled}, []string{"canceled"}},
			"an ended context, Do":  {b.cache("k").Do(ended, none), []error{ErrLockAcquire, context.Canceled}, []string{"canceled"}},
			"a nil fn":              {b.cache("k").Do(t.Context(), nil), []error{ErrInvalidOption}, []string{"function is nil"}},
			"releasing twice":       {released.Release(t.Context()), []error{ErrNotHeld}, []string{"not held"}},
			"extending what is not": {released.Extend(t.Context(), time.Minute), []error{ErrNotHeld}, []string{"not held"}},
			"acquiring after loss":  {lost.Acquire(t.Context()), []error{ErrLockLost}, []string{"Release was not called"}},
			"an empty key":          {b.cache("").Acquire(t.Context()), []error{ErrLockAcquire, ErrInvalidRequest}, []string{"key must not be empty"}},
			"a long key":            {b.cache(strings.Repeat("k", 1025)).Acquire(t.Context()), []error{ErrLockAcquire, ErrInvalidRequest}, []string{"1024", "1025"}},
			"a permit of 0":         {Permit("default", "k", 0, r).Acquire(t.Context()), []error{ErrInvalidOption}, []string{"1 to 65536", "has 0"}},
			"a permit too many":     {Permit("default", "k", 65537, r).Acquire(t.Context()), []error{ErrInvalidOption}, []string{"1 to 65536", "has 65537"}},
			"a nil key function":    {NewKeyed[int]("default", nil, r).Lock(1).Acquire(t.Context()), []error{ErrInvalidOption}, []string{"key function is nil"}},
			"a registry for Local":  {Local(r).Acquire(t.Context()), []error{ErrInvalidOption}, []string{"belongs to no registry"}},
			"self-deadlock": {b.cache("k").Do(t.Context(), func(ctx context.Context) error {
				return b.cache("k", WithWait(Forever)).Acquire(ctx)
			}), []error{ErrLockActive}, []string{"own lock"}},
		} {
			wantIs(t, test.err, test.is...)
			if _, ok := errors.AsType[*Error](test.err); !ok {
				t.Errorf("%s: %#v is no *Error", name, test.err)
				continue
			}
			for _, part := range test.says {
				if !strings.Contains(test.err.Error(), part) {
					t.Errorf("%s: %q does not say %q", name, test.err, part)
				}
			}
		}
		wantIs(t, lost.Release(t.Context()), ErrLockExpired)
	})
}

// The prefix counts: what is left for the key is less.
func TestKeyIsMeasuredWithItsPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Prefix: strings.Repeat("p", 24)})
		long := b.cache(strings.Repeat("k", 1000))
		mustAcquire(t, long)
		mustRelease(t, long)
		wantIs(t, b.cache(strings.Repeat("k", 1001)).Acquire(t.Context()), ErrInvalidRequest)
		wantIs(t, b.cache("").Acquire(t.Context()), ErrLockAcquire, ErrInvalidRequest) // though the prefix is a key
		_, err := Inspect(t.Context(), "default", "", WithRegistry(b.Registry))
		wantIs(t, err, ErrInvalidRequest)
		_, err = Break(t.Context(), "default", "", WithRegistry(b.Registry))
		wantIs(t, err, ErrInvalidRequest)
	})
}
