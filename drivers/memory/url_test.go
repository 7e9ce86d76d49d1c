package memory

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func connect(raw string) (driver.Connector, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	return memoryDriver{}.Connector(u)
}

func open(t *testing.T, raw string) *Store {
	t.Helper()
	c, err := connect(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*Store)
}

func TestURL(t *testing.T) {
	long := strings.Repeat("n", maxName)
	for raw, want := range map[string]string{
		"memory://":                        "",
		"memory://name":                    "",
		"memory://A-b_c.9":                 "",
		"memory://" + long:                 "",
		"memory://" + long + "n":           "65 bytes",
		"memory:name":                      "no //",
		"memory:name?user=s3cret":          "no //",
		"memory://joe@name":                "user",
		"memory://joe:s3cret@name":         "user",
		"memory://name:6379":               "port",
		"memory://name:":                   "port",
		"memory://[::1]":                   "port",
		"memory:///":                       "path",
		"memory://name/":                   "path",
		"memory:///dir/s3cret":             "path",
		"memory://name?size=1&a=s3cret":    `"a"`,
		"memory://name?":                   "?",
		"memory://name?%zz":                "query",
		"memory://name?;":                  "query",
		"memory://name#part":               "fragment",
		"memory://n%C3%A4me":               "näme",
		"memory://a*b":                     "a*b",
		"memory://joe:s3cret@name?a=1#b:c": "user",
	} {
		_, err := connect(raw)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", raw, err)
		case want == "":
		case err == nil:
			t.Errorf("%s is taken, want an error about %s", raw, want)
		case !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "memory://name"):
			t.Errorf("%s: %q, want it to name %s and say what is right", raw, err, want)
		case strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: %q tells what may be secret", raw, err)
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, raw := range []string{"memory://", "memory://name", "memory:x", "memory://u:p@h:1/x?y=z#w", "memory://%41", "memory://[::1%25z]"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		c, err := memoryDriver{}.Connector(u)
		if err != nil {
			if secret, ok := u.User.Password(); ok && len(secret) > 20 && strings.Contains(err.Error(), secret) {
				t.Errorf("%q: %q has the password", raw, err)
			}
			return
		}
		name := string(c.(connector))
		if again, err := connect("memory://" + name); err != nil || again != c {
			t.Errorf("%q is taken as the name %q, which is %v, %v", raw, name, again, err)
		}
		if (&url.URL{Scheme: u.Scheme, Host: name}).String() != u.String() {
			t.Errorf("%q is taken, but has more than the name %q", raw, name)
		}
	})
}

func TestNamesAreShared(t *testing.T) {
	a, b, other := open(t, "memory://shared"), open(t, "memory://shared"), open(t, "memory://Shared")
	r := ask("k", "a", driver.Exclusive)
	take(t, a, r)
	_, err := b.TryAcquire(t.Context(), ask("k", "b", driver.Exclusive))
	wantErr(t, "through another store of the name", err, driver.ErrHeld)
	take(t, other, ask("k", "b", driver.Exclusive))
	take(t, New(), ask("k", "b", driver.Exclusive))
}

func TestNamelessIsPrivate(t *testing.T) {
	c, err := connect("memory://")
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"a", "b"} {
		s, err := c.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		take(t, s.(*Store), ask("k", owner, driver.Exclusive))
	}
}

func TestTokensGrowThroughReopening(t *testing.T) {
	var last uint64
	for range 100 {
		s := open(t, "memory://reopened")
		g := take(t, s, ask("k", "a", driver.Exclusive))
		if g.Token <= last {
			t.Fatalf("token %d after %d", g.Token, last)
		}
		if last = g.Token + uint64(g.Spare); last >= 1<<63 {
			t.Fatalf("token %d", last)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A backend's clock must stay ahead of what it gives, or the next process
// would start below it.
func TestTokensStayBehindTheClock(t *testing.T) {
	s := New()
	for range 100_000 {
		r := ask("k", "a", driver.Exclusive)
		take(t, s, r)
		giveBack(t, s, r)
	}
	if next := newBackend().tokens.Load(); next <= s.backend.tokens.Load() {
		t.Fatalf("a new backend starts at %d, below %d", next, s.backend.tokens.Load())
	}
}

func TestOpenWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []connector{"", "never-opened"} {
		s, err := name.Open(ctx)
		if s != nil {
			t.Error("a store")
		}
		wantErr(t, "Open", err, context.Canceled)
	}
}

func TestRegistered(t *testing.T) {
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"default": {URL: "memory://"}}); err != nil {
		t.Fatal(err)
	}
	s, err := r.Store(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	if !s.Features().Fencing {
		t.Error("no tokens")
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}
