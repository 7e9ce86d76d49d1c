package locks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// What makes no sense is ErrInvalidOption, which says what would be right, and
// asks the store nothing.
func TestInvalidOptions(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for name, test := range map[string]struct {
			opts []Option
			want string
		}{
			"WithExpire(0)":           {[]Option{WithExpire(0)}, "at least 5ms"},
			"WithExpire(-1s)":         {[]Option{WithExpire(-time.Second)}, "is -1s"},
			"WithExpire(4ms)":         {[]Option{WithExpire(4 * time.Millisecond)}, "at least 5ms"},
			"WithKeepAlive(0)":        {[]Option{WithKeepAlive(0)}, "at least 5ms"},
			"WithKeepAlive(-1s)":      {[]Option{WithKeepAlive(-time.Second)}, "is -1s"},
			"WithKeepAlive(Forever)":  {[]Option{WithKeepAlive(Forever)}, "use WithExpire(Forever)"},
			"both":                    {[]Option{WithExpire(time.Second), WithKeepAlive(time.Second)}, "exclude each other"},
			"WithWait(-1s)":           {[]Option{WithWait(-time.Second)}, "not be negative"},
			"WithKeep alone":          {[]Option{WithKeep()}, "needs WithExpire"},
			"WithMinHold(-1s)":        {[]Option{WithMinHold(-time.Second)}, "not be negative"},
			"WithMinHold(Forever)":    {[]Option{WithMinHold(Forever)}, "Forever"},
			"WithMinHold past expiry": {[]Option{WithExpire(time.Second), WithMinHold(time.Minute)}, "longer than WithExpire"},
			"WithLabel too long":      {[]Option{WithLabel(strings.Repeat("l", 256))}, "at most 255 bytes"},
			"WithRegistry(nil)":       {[]Option{WithRegistry(nil)}, "leave the option out"},
			"a nil option":            {[]Option{nil}, "nil"},
		} {
			l := Cache("default", "k", append([]Option{WithRegistry(b.Registry)}, test.opts...)...)
			for op, err := range map[string]error{
				"Acquire": l.Acquire(t.Context()),
				"Do":      l.Do(t.Context(), func(context.Context) error { return nil }),
			} {
				wantIs(t, err, ErrInvalidOption)
				if err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s with %s: %q does not say %q", op, name, err, test.want)
				}
			}
		}
		if n := b.store.count("try"); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
		_, err := Inspect(t.Context(), "default", "k", WithRegistry(nil))
		wantIs(t, err, ErrInvalidOption)
	})
}

// Several faults are told at once.
func TestInvalidOptionsAreJoined(t *testing.T) {
	t.Parallel()
	err := Cache("default", "k", WithWait(-1), WithExpire(0)).Acquire(t.Context())
	for _, part := range []string{"WithWait", "WithExpire"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}

// weak is a store that can do less.
type weakStore struct {
	driver.Store
	features driver.Features
}

func (s weakStore) Features() driver.Features { return s.features }

func TestWhatTheStoreCantDo(t *testing.T) {
	t.Parallel()
	r := concurrent.NewRegistry()
	st := weakStore{memory.New(), driver.Features{MinLease: time.Second}}
	if err := r.Configure(concurrent.Aliases{"a": {Store: st, Lease: 2 * time.Second}}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		opt  Option
		want error
	}{
		"no tokens":            {WithFencing(), ErrUnsupported},
		"no minimum hold":      {WithMinHold(time.Millisecond), ErrUnsupported},
		"an expiry too short":  {WithExpire(4 * time.Millisecond), ErrInvalidOption},
		"a lease too short":    {WithKeepAlive(4 * time.Millisecond), ErrInvalidOption},
		"too long a hold":      {WithMaxHold(time.Second), ErrInvalidOption},
		"a short lease":        {WithKeepAlive(500 * time.Millisecond), nil},
		"a lease long enough":  {WithKeepAlive(time.Second), nil},
		"an expiry that never": {WithExpire(Forever), nil},
	} {
		l := Cache("a", "k", WithRegistry(r), test.opt)
		err := l.Acquire(t.Context())
		if test.want != nil {
			wantIs(t, err, test.want)
			if acquire := errors.Is(err, ErrLockAcquire); acquire != (test.want == ErrUnsupported) { //nolint:errorlint // a sentinel
				t.Errorf("%s: it is ErrLockAcquire: %t", name, acquire)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantIs(t, l.Extend(t.Context(), time.Millisecond), ErrInvalidOption)
		mustRelease(t, l)
	}
	for _, err := range List(t.Context(), "a", "", WithRegistry(r)) {
		wantIs(t, err, ErrUnsupported)
	}
	_, err := Break(t.Context(), "a", "k", WithRegistry(r))
	wantIs(t, err, ErrUnsupported)
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDefaultsOfALease(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithFencing())
		mustAcquire(t, l)
		if got, want := l.Remaining(), concurrent.DefaultLease-concurrent.DefaultLease/100-2*time.Millisecond; got != want {
			t.Errorf("Remaining is %v, want %v", got, want)
		}
		if l.Token() == 0 {
			t.Error("no token")
		}
		mustRelease(t, l)
		if l.Token() != 0 || l.Remaining() != 0 {
			t.Errorf("after Release: token %d, %v", l.Token(), l.Remaining())
		}
	})
}

// The alias's lease is checked when a lock names none: one too short would
// leave its holder no time, or be refused by the store.
func TestAliasesLeaseTooShort(t *testing.T) {
	for _, test := range []struct{ lease, least, want time.Duration }{
		{4 * time.Millisecond, time.Millisecond, 5 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := concurrent.NewRegistry()
			st := weakStore{memory.New(), driver.Features{MinLease: test.least}}
			if err := r.Configure(concurrent.Aliases{"a": {Store: st, Lease: test.lease}}); err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{
				Cache("a", "k", WithRegistry(r)).Acquire(t.Context()),
				Cache("a", "k", WithRegistry(r)).Do(t.Context(), func(context.Context) error { return nil }),
			} {
				wantIs(t, err, ErrLockAcquire, concurrent.ErrInvalidConfig)
				for _, part := range []string{test.lease.String(), test.want.String(), `"a"`} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not say %s", err, part)
					}
				}
			}
			own := Cache("a", "k", WithRegistry(r), WithExpire(time.Second))
			mustAcquire(t, own)
			mustRelease(t, own)
			if err := r.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAliasesLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Lease: time.Minute})
		l := b.cache("k")
		mustAcquire(t, l)
		if got := l.Remaining(); got != usableOf(time.Minute) {
			t.Errorf("remaining is %v, want %v", got, usableOf(time.Minute))
		}
		time.Sleep(time.Hour)
		if !l.Active() {
			t.Error("not renewed")
		}
		mustRelease(t, l)
	})
}

// The default registry is the one that package concurrent's functions use.
func TestDefaultRegistry(t *testing.T) {
	err := concurrent.Configure(concurrent.Aliases{"of-this-test": {Store: memory.New()}})
	if err != nil && !errors.Is(err, concurrent.ErrInvalidConfig) { // -count=2 configures it again
		t.Fatal(err)
	}
	l := Cache("of-this-test", "k")
	mustAcquire(t, l)
	info, err := Inspect(t.Context(), "of-this-test", "k")
	if err != nil || len(info.Holders) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	mustRelease(t, l)
}

// Options that are at their limit are good.
func TestOptionsAtTheirLimits(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for name, opts := range map[string][]Option{
			"the shortest expiry":     {WithExpire(5 * time.Millisecond)},
			"the shortest keep-alive": {WithKeepAlive(5 * time.Millisecond)},
			"the longest label":       {WithLabel(strings.Repeat("l", 255))},
			"no wait":                 {WithWait(0)},
			"no minimum":              {WithMinHold(0)},
			"a minimum of the expiry": {WithExpire(time.Second), WithMinHold(time.Second)},
			"raise":                   {WithRaise(true)},
			"a longer life":           {WithExpire(Forever - 1)},
			"and kept alive":          {WithKeepAlive(Forever - 1)},
		} {
			l := b.cache(name, opts...)
			if err := l.Acquire(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if l.Remaining() > 24*time.Hour {
				if err := l.Extend(t.Context(), Forever-2); err != nil || l.Remaining() < 50*365*24*time.Hour {
					t.Errorf("%s: %v remain, %v", name, l.Remaining(), err)
				}
			}
			mustRelease(t, l)
		}
		for _, n := range []int{1, 1 << 16} {
			l := Permit("default", "permit", n, WithRegistry(b.Registry))
			mustAcquire(t, l)
			mustRelease(t, l)
		}
		holder := b.cache("k")
		mustAcquire(t, holder)
		wantIs(t, b.cache("k", WithRaise(true)).Acquire(t.Context()), ErrLockActive)
		mustRelease(t, holder)
	})
}
