package driver_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func request() driver.Request {
	return driver.Request{Key: "k", Owner: "o", Lease: time.Second}
}

// Every refusal says what was wrong and what would be right.
func TestRequestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for name, test := range map[string]struct {
		change func(*driver.Request)
		want   []string // nil: nothing is wrong
	}{
		"plain":             {func(*driver.Request) {}, nil},
		"shared":            {func(r *driver.Request) { r.Mode = driver.Shared }, nil},
		"slots":             {func(r *driver.Request) { r.Mode = driver.Slots(driver.MaxSlots) }, nil},
		"a lease of 0":      {func(r *driver.Request) { r.Lease = 0 }, nil},
		"longest key":       {func(r *driver.Request) { r.Key = strings.Repeat("k", 1024) }, nil},
		"key of any bytes":  {func(r *driver.Request) { r.Key = "\x00\xff {}\n" }, nil},
		"longest owner":     {func(r *driver.Request) { r.Owner = strings.Repeat("~", 64) }, nil},
		"longest texts":     {func(r *driver.Request) { r.Holder = driver.Holder{Host: long[1:], Label: long[1:]} }, nil},
		"no key":            {func(r *driver.Request) { r.Key = "" }, []string{"key", "not be empty"}},
		"key too long":      {func(r *driver.Request) { r.Key = strings.Repeat("k", 1025) }, []string{"1024", "1025"}},
		"no owner":          {func(r *driver.Request) { r.Owner = "" }, []string{"owner", "1 to 64"}},
		"owner too long":    {func(r *driver.Request) { r.Owner = strings.Repeat("o", 65) }, []string{"owner", "65"}},
		"owner with space":  {func(r *driver.Request) { r.Owner = "a b" }, []string{"owner", "without space"}},
		"owner not ASCII":   {func(r *driver.Request) { r.Owner = "\u00e9" }, []string{"owner", "ASCII"}},
		"owner with DEL":    {func(r *driver.Request) { r.Owner = "\x7f" }, []string{"owner", "printable"}},
		"no slots":          {func(r *driver.Request) { r.Mode = driver.Slots(0) }, []string{"mode", "1 to 65536"}},
		"too many slots":    {func(r *driver.Request) { r.Mode = driver.Slots(driver.MaxSlots + 1) }, []string{"mode"}},
		"mode out of range": {func(r *driver.Request) { r.Mode = driver.MaxSlots + 1 }, []string{"mode"}},
		"long host":         {func(r *driver.Request) { r.Holder.Host = long }, []string{"host", "255"}},
		"long label":        {func(r *driver.Request) { r.Holder.Label = long }, []string{"label", "255"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request()
			test.change(&r)
			wantInvalid(t, r.Check(), test.want)
		})
	}
}

func wantInvalid(t *testing.T, err error, want []string) {
	t.Helper()
	if want == nil {
		if err != nil {
			t.Errorf("%v, want no error", err)
		}
		return
	}
	if !errors.Is(err, driver.ErrInvalidRequest) {
		t.Fatalf("%v, want ErrInvalidRequest", err)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestCheckLease(t *testing.T) {
	t.Parallel()
	for lease, want := range map[time.Duration][]string{
		10 * time.Millisecond: nil,
		driver.Forever:        nil,
		9 * time.Millisecond:  {"at least 10ms", "is 9ms"},
		0:                     {"at least 10ms", "is 0s"},
		-time.Second:          {"at least 10ms", "is -1s"},
	} {
		r := request()
		r.Lease = lease
		wantInvalid(t, r.CheckLease(10*time.Millisecond), want)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode  driver.Mode
		text  string
		slots int
		valid bool
	}{
		{driver.Exclusive, "exclusive", 0, true},
		{driver.Shared, "shared", 0, true},
		{driver.Slots(1), "slots(1)", 1, true},
		{driver.Slots(driver.MaxSlots), "slots(65536)", 65536, true},
		{driver.Slots(-1), "invalid mode", 0, false},
		{driver.Slots(driver.MaxSlots + 1), "invalid mode", 0, false},
	} {
		if got := test.mode.String(); got != test.text {
			t.Errorf("%d is %q, want %q", test.mode, got, test.text)
		}
		if got := test.mode.Slots(); got != test.slots {
			t.Errorf("%v has %d slots, want %d", test.mode, got, test.slots)
		}
		if got := test.mode.Valid(); got != test.valid {
			t.Errorf("%v is valid: %t, want %t", test.mode, got, test.valid)
		}
	}
}

// Who can't stand beside whom, both ways round.
func TestExcludes(t *testing.T) {
	t.Parallel()
	modes := []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2), driver.Slots(3)}
	beside := map[[2]driver.Mode]bool{
		{driver.Shared, driver.Shared}:     true,
		{driver.Slots(2), driver.Slots(2)}: true,
		{driver.Slots(3), driver.Slots(3)}: true,
		{driver.Slots(2), driver.Slots(3)}: true, // there may be room
		{driver.Slots(3), driver.Slots(2)}: true,
	}
	for _, a := range modes {
		for _, b := range modes {
			if got, want := a.Excludes(b), !beside[[2]driver.Mode{a, b}]; got != want {
				t.Errorf("%v excludes %v: %t, want %t", a, b, got, want)
			}
		}
	}
}

// A key of any bytes is taken or refused by its length alone.
func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{"", "k", "\x00", "a b", "{}", "\xff\xfe", strings.Repeat("k", 1024), strings.Repeat("k", 1025)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		err := driver.CheckKey(key)
		if ok := len(key) >= 1 && len(key) <= driver.MaxKey; ok != (err == nil) {
			t.Errorf("a key of %d bytes: %v", len(key), err)
		}
		if err != nil && !errors.Is(err, driver.ErrInvalidRequest) {
			t.Errorf("%v is not ErrInvalidRequest", err)
		}
	})
}

// Any byte at any place: owners are looked at eight bytes at a time.
func TestOwnerBytes(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 17; length++ {
		for at := range length {
			for b := range 256 {
				owner := []byte(strings.Repeat("~!", 9)[:length])
				owner[at] = byte(b)
				r := request()
				r.Owner = string(owner)
				if want, err := b > ' ' && b <= '~', r.Check(); want != (err == nil) {
					t.Fatalf("owner %q: %v", owner, err)
				}
			}
		}
	}
}
