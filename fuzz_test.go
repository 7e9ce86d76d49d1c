package concurrent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent"
)

func FuzzAliasesJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"default": {"url": "memory://"}}`,
		`{"a": {"url": "redis://u:${HOME}@h/0", "lease": "30s", "prefix": "p:"}}`,
		`{"a": {"url": "$${x}", "lease": "forever"}}`, `{"a": {"URL": "m", "Lease": "1ns"}}`,
		`{"a": {}, "a": {}}`, `{"a": {"url": "x", "url": "y"}}`, `{"a": {"x": 1}}`, `{"a": {"lease": -1}}`,
		`{"\u0000": {"url": "\ud800"}}`, `{"a": {"url": "${"}}`, `{} {}`, "null\f",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var as concurrent.Aliases
		if err := as.UnmarshalJSON(text); err != nil {
			if !errors.Is(err, concurrent.ErrInvalidConfig) {
				t.Fatalf("%v is not ErrInvalidConfig", err)
			}
			if as != nil {
				t.Fatalf("a failure left %v", as)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("invalid JSON was read as %v", as)
		}
		// What is read, written and read again stays the same from there on.
		once := again(t, as)
		if twice := again(t, once); !reflect.DeepEqual(once, twice) {
			t.Fatalf("%v was read back as %v", once, twice)
		}
		_ = concurrent.NewRegistry().Configure(as)
	})
}

func again(t *testing.T, as concurrent.Aliases) concurrent.Aliases {
	t.Helper()
	text, err := json.Marshal(as)
	if err != nil {
		t.Fatal(err)
	}
	back := make(concurrent.Aliases)
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return back
}

// FuzzURL puts a password where one stands in a URL, and anything around it.
func FuzzURL(f *testing.F) {
	const password = "pA5s-W0rd~qUx"
	for _, seed := range [][3]string{
		{"probe", "user", "h:6379/0"},
		{"probe", "", "h"},
		{"probe", "u/v", "h:x"},
		{"probe", "u@v", "[::1"},
		{"probe", "%zz", "h"},
		{"etcd", "a?b", "h?x=1"},
		{"", "#", "h#y"},
		{"PROBE", "a", "h?password=1&ok=2"},
		{"probe", "a", "nothing"},
		{"0", "?=", "0"},
		{"probe", "h?x=y", "=="},
		{"1p", ":", "\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, scheme, user, rest string) {
		if strings.Contains(scheme+user+rest, password) {
			t.Skip("a password in public")
		}
		for _, raw := range []string{
			scheme + user + rest,
			scheme + "://" + user + ":" + password + "@" + rest,
			scheme + "://" + user + "?password=" + password + "&" + rest,
		} {
			c := concurrent.Config{URL: raw}
			showsNot(t, "Config", fmt.Sprintf("%v %+v %#v", c, &c, concurrent.Aliases{"a": c}), password)
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			showsNot(t, "JSON", string(text), password)
			r := concurrent.NewRegistry()
			if err := r.Configure(concurrent.Aliases{"a": c}); err != nil {
				if !errors.Is(err, concurrent.ErrInvalidConfig) && !errors.Is(err, concurrent.ErrUnknownDriver) {
					t.Errorf("%v matches nothing", err)
				}
				showsNot(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err), password)
			}
		}
	})
}
