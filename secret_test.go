package concurrent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

const secret = "s3cr3t"

func TestPrintedConfigShowsNoPassword(t *testing.T) {
	for _, u := range []string{
		"redis://user:s3cr3t@h:6379/0", "redis://:s3cr3t@h", "redis://h?password=s3cr3t&db=1", "redis://h?db=1&requirepass=s3cr3t",
		"redis:user:s3cr3t@h", "postgres://u:a/s3cr3t@h", "postgres://u:a@s3cr3t@h", "user:s3cr3t@h", "://u:s3cr3t@h",
		"redis://:s3cr3t", "redis://u:s3cr3t/0", "redis://u:a?s3cr3t@h", "redis://u:a#s3cr3t", "redis://h?%70assword=s3cr3t",
		"redis://u:%zzs3cr3t@h", "redis://h?a=1;token=s3cr3t", "1user:s3cr3t",
		"redis://h?=?password=s3cr3t", "redis://h?a=password=s3cr3t", "redis://h?password=s3cr3t==", "redis://u:s3cr3t@h?password=s3cr3t#s3cr3t",
	} {
		c := concurrent.Config{URL: u, Lease: time.Minute, Prefix: "billing:"}
		for what, v := range map[string]any{
			"value": c, "pointer": &c, "alias": concurrent.Aliases{"a": c}, "pointer to aliases": &concurrent.Aliases{"a": c},
			"slice": []concurrent.Config{c}, "field": struct{ C concurrent.Config }{c}, "pointer in a map": map[string]*concurrent.Config{"a": &c},
		} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
				showsNot(t, verb+" of a "+what, fmt.Sprintf(verb, v), secret)
			}
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			showsNot(t, "JSON of a "+what, string(text), secret)
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("text", "c", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "c", v)
			showsNot(t, "slog of a "+what, out.String(), secret)
		}
		showsNot(t, "String", c.String()+c.GoString(), secret)
	}
}

func TestPrintedConfigShowsTheRest(t *testing.T) {
	c := concurrent.Config{URL: "redis://u:s3cr3t@h:6379/0?db=1&password=x", Lease: time.Minute, Prefix: "billing:"}
	const want = `{URL:"redis://***@h:6379/0?db=1&password=***" Lease:1m0s Prefix:"billing:"}`
	if got := fmt.Sprintf("%v %+v", c, &c); got != want+" "+want {
		t.Errorf("%%v and %%+v print %s", got)
	}
	if got := fmt.Sprintf("%#v", concurrent.Aliases{"a": c}); got != `concurrent.Aliases{"a":concurrent.Config`+want+`}` {
		t.Errorf("%%#v prints %s", got)
	}
	own := concurrent.Config{Store: newBackend(t).store(), Lease: driver.Forever}
	if got := own.String(); got != "{Store:*concurrent_test.probeStore Lease:forever}" {
		t.Errorf("a Config with a Store prints %s", got)
	}
	for u, want := range map[string]string{
		"redis://h:6379":              `{URL:"redis://h:6379"}`,
		"redis://[::1]:6379/0":        `{URL:"redis://[::1]:6379/0"}`,
		"file:///a/b":                 `{URL:"file:///a/b"}`,
		"redis://h?addr=b:1&db=1&x":   `{URL:"redis://h?addr=b:1&db=1&***"}`,
		"redis://h:port/0":            `{URL:"redis://***"}`,
		"redis://h?password=x&db=1":   `{URL:"redis://h?password=***"}`,
		"host=db user=app password=x": `{URL:"(not a URL: 27 bytes)"}`,
		"redis//app:x@h":              `{URL:"(not a URL: 14 bytes)"}`,
	} {
		if got := (concurrent.Config{URL: u}).String(); got != want {
			t.Errorf("%s prints %s, want %s", u, got, want)
		}
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "c", c, "own", own)
	for _, part := range []string{"c.url=", "h:6379", "c.lease=1m0s", "c.prefix=billing:", "own.store=*concurrent_test.probeStore"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("slog prints %s without %s", out.String(), part)
		}
	}
}

func TestRegistryAndOpenedPrintNoPassword(t *testing.T) {
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"a": {URL: "probe://u:s3cr3t@h?password=s3cr3t"}})
	o, err := r.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		showsNot(t, verb+" of a Registry", fmt.Sprintf(verb, r), secret)
		showsNot(t, verb+" of an Opened", fmt.Sprintf(verb, o), secret)
		showsNot(t, verb+" of a struct with them", fmt.Sprintf(verb, struct {
			r *concurrent.Registry
			o *concurrent.Opened
		}{r, o}), secret)
		showsNot(t, verb+" of a Config", fmt.Sprintf(verb, o.Config()), secret)
	}
	if got := r.String(); got != "concurrent.Registry with 1 aliases" {
		t.Errorf("String = %s", got)
	}
}

func TestMalformedURLs(t *testing.T) {
	for raw, words := range map[string][]string{
		"probe://u:s3cr3t@h:port":         {"port that is not a number", "%40 for @", "probe://***"},
		"probe://u:a/s3cr3t@h":            {"port that is not a number", "percent-encoded"},
		"probe://:s3cr3t":                 {"port that is not a number", "probe://***"},
		"probe://u:%zs3cr3t@h":            {"two hexadecimal digits", "%25"},
		"probe://u:s3cr3t@h\n":            {"control character", "line break"},
		"://u:s3cr3t@h":                   {"no scheme", "13 bytes", "redis://localhost:6379/0"},
		"1a:s3cr3t@h":                     {"no scheme"},
		"/var/s3cr3t@h":                   {"no scheme", "memory://"},
		"probe://u:s3cr3t [@h":            {"user or password"},
		"probe://u:s3cr3t@[::1":           {"malformed host"},
		"probe://u:s3cr3t@h#x":            {"fragment", "%23"},
		"probe://u:1/s3cr3t@h":            {"@ behind", "%2F", "probe://***"},
		"probe://u:1?s3cr3t@h":            {"@ behind", "%3F", "probe://***"},
		"probe://***@h":                   {"printed", "left out"},
		"probe://h?password=***":          {"printed", "left out"},
		"probe://u:s3cr3t@h?pasword=1":    {`unknown parameter "pasword"`, "***"},
		"probe://u:a%40s3cr3t@h?x=1":      {`unknown parameter "x"`},
		"probe://h?password=s3cr3t&y=1":   {`unknown parameter "y"`},
		"probe://h?password=a+s3cr3t&y=1": {`unknown parameter "y"`},
	} {
		err := registry(t).Configure(concurrent.Aliases{"locks": {URL: raw}})
		if !errors.Is(err, concurrent.ErrInvalidConfig) {
			t.Errorf("%q: %v, want ErrInvalidConfig", raw, err)
			continue
		}
		says(t, err, append(words, `alias "locks"`)...)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			showsNot(t, raw+" in "+verb, fmt.Sprintf(verb, err), secret)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			showsNot(t, raw+" unwrapped", e.Error(), secret)
		}
	}
}

// A driver's own errors are searched too, in whatever way they quote the URL.
func TestErrorsOfDriversShowNoPassword(t *testing.T) {
	for name, password := range map[string]string{
		"plain": "s3cr3t", "encoded": "s3cr3t@:/%", "short": "xyz", "the user's name": "user", "the host's name": "b",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			u, _ := url.Parse(b.url)
			u.User = url.UserPassword("user", password)
			fail := fmt.Errorf("probe: parse %q, dial //%s: %w", u, strings.TrimPrefix(u.String(), "probe://"), driver.ErrUnavailable)
			b.open = func(context.Context) (driver.Store, error) { return nil, fail }
			r := registry(t)
			r.MustConfigure(concurrent.Aliases{"a": {URL: u.String()}})
			_, err := r.Store(t.Context(), "a")
			if !errors.Is(err, driver.ErrUnavailable) {
				t.Fatalf("Store = %v, want ErrUnavailable", err)
			}
			_, written, _ := strings.Cut(u.User.String(), ":")
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				showsNot(t, verb, fmt.Sprintf(verb, err), ":"+written+"@")
			}
			says(t, err, "probe://***@", "//user:***@", `alias "a"`)
		})
	}
}

// Hiding a short password everywhere would spell it out, and garble the text.
func TestShortPasswordsAreHiddenOnlyWhereTheyStand(t *testing.T) {
	b := newBackend(t)
	raw := "probe://u:is@" + b.url[len("probe://"):]
	b.open = func(context.Context) (driver.Store, error) {
		return nil, fmt.Errorf("%s: this is it", strings.TrimPrefix(raw, "probe://"))
	}
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"a": {URL: raw}})
	_, err := r.Store(t.Context(), "a")
	says(t, err, " u:***@", ": this is it")
}

func TestErrorsWithoutSecretsAreKept(t *testing.T) {
	b := newBackend(t)
	fail := &url.Error{Op: "dial", URL: "probe://h", Err: driver.ErrUnfit}
	b.open = func(context.Context) (driver.Store, error) { return nil, fail }
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"a": {URL: strings.Replace(b.url, "://", "://u:s3cr3t@", 1)}})
	_, err := r.Store(t.Context(), "a")
	if got, ok := errors.AsType[*url.Error](err); !ok || got != fail {
		t.Errorf("the driver's own error is lost: %v", err)
	}
}
