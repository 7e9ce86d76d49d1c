package concurrent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent"
)

// shapes are texts with a password in them, as people write them. %s is the
// password as it is, %e percent-encoded.
var shapes = []string{
	"%s", "probe://u:%s@h", "probe://u:%e@h", "probe://%e@h", "probe://u:%s@h/0?x=1", "probe://:%s", "probe://u:%s/0",
	"probe://h?password=%s", "probe://h?password=%e&y=1", "probe://h?%%70assword=%e&y=1", "probe://h?y=1&requirepass=%s",
	"probe://h?options=password%%3D%e", "probe://h?options=a%%3D1%%26password%%3D%e", "probe://h?options=password%%253D%e",
	"probe://h?x=token:%e", "probe://h?password%%3D%e=1", "probe://u:%e@h#%e", "probe://h#password=%s", "probe://u#%s@h",
	"probe://u:1/%s@h", "probe://u:1?%s@h", "probe://db,password=%e", "probe://db:6379,password=%s", "probe://h/db;password=%s",
	"host=db user=app password=%s", "Server=db;Password=%s", "Server=tcp://db;Password=%s", "probe//app:%s/db", "app:%s@tcp(db)/x",
	"db:6379,password=%s", "jdbc:probe://h;password=%s", "://u:%s@h", "probe:u:%s@h", "host=db password=%s\nuser=app",
	"mysql://u:%e@h", "porbe://h?password=%e",
}

func shaped(shape, password string) string {
	text := strings.NewReplacer("%s", password, "%e", strings.ReplaceAll(url.QueryEscape(password), "+", "%20"), "%%", "%").Replace(shape)
	return text
}

// leaks fails the test if text has the password, as it is or encoded.
func leaks(t *testing.T, what, text, password string) {
	t.Helper()
	for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password), url.UserPassword("", password).String()[1:], fmt.Sprintf("%q", password)[1:]} {
		form = strings.TrimSuffix(form, `"`)
		if strings.Contains(text, form) {
			t.Errorf("%s shows the password %q:\n%s", what, password, text)
			return
		}
	}
}

// everyWay returns what v looks like on every way out of a program.
func everyWay(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
	if err := json.NewEncoder(&out).Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// errorsOf makes every error that a text in the wrong place can cause.
func errorsOf(t *testing.T, text string) map[string]error {
	t.Helper()
	r := concurrent.NewRegistry()
	empty := concurrent.NewRegistry()
	r.MustConfigure(concurrent.Aliases{"a": {URL: "probe://h"}})
	_, store := r.Store(t.Context(), text)
	_, none := empty.Store(t.Context(), text)
	quoted, _ := json.Marshal(text)
	var as concurrent.Aliases
	var c concurrent.Config
	return map[string]error{
		"a URL":                r.Configure(concurrent.Aliases{"b": {URL: text}}),
		"an alias":             r.Configure(concurrent.Aliases{text: {URL: "probe://h"}}),
		"an alias without URL": r.Configure(concurrent.Aliases{text: {}}),
		"a prefix":             r.Configure(concurrent.Aliases{"b": {URL: "probe://h", Prefix: text + "{"}}),
		"Store":                store,
		"Store of none":        none,
		"Ping":                 r.Ping(t.Context(), text),
		"Remove":               r.Remove(t.Context(), text),
		"JSON, a lease":        as.UnmarshalJSON([]byte(`{"a": {"lease": ` + string(quoted) + `}}`)),
		"JSON, a field":        c.UnmarshalJSON([]byte(`{` + string(quoted) + `: "x"}`)),
		"JSON, an alias":       as.UnmarshalJSON([]byte(`{` + string(quoted) + `: {"url": 7}}`)),
		"JSON, an alias twice": as.UnmarshalJSON([]byte(`{` + string(quoted) + `: {}, ` + string(quoted) + `: {}}`)),
		"JSON, a variable":     c.UnmarshalJSON([]byte(`{"url": ` + string(quoted[:len(quoted)-1]) + `${X-}"}`)),
		"JSON, broken":         as.UnmarshalJSON([]byte(text)),
		"MustConfigure":        panicOf(func() { r.MustConfigure(concurrent.Aliases{text: {URL: text}}) }),
	}
}

func panicOf(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

func passwordLeaksNowhere(t *testing.T, shape, password string) {
	t.Helper()
	text := shaped(shape, password)
	c := concurrent.Config{URL: text, Prefix: "p:"}
	for what, v := range map[string]any{
		"a Config": c, "a pointer": &c, "Aliases": concurrent.Aliases{"a": c}, "their names": concurrent.Aliases{text: c},
		"a field": struct{ As concurrent.Aliases }{concurrent.Aliases{text: c}},
	} {
		if shape == "%s" && what != "a Config" && what != "a pointer" && what != "Aliases" {
			continue // a password alone may be a name
		}
		leaks(t, what+" of "+shape, everyWay(t, v), password)
	}
	for what, err := range errorsOf(t, text) {
		if err == nil || shape == "%s" && what != "a URL" {
			continue
		}
		leaks(t, "the error of "+what+" of "+shape, fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s", err, err, err, err, everyWay(t, err.Error())), password)
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			leaks(t, "an error in the one of "+what+" of "+shape, inner.Error(), password)
		}
	}
}

// A random password, put in many shapes of text, is printed nowhere.
func TestPasswordsLeakNowhere(t *testing.T) {
	clearEnv(t)
	const plain = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	alphabets := []string{plain, plain + "!$&'()*+,;=:@/?#[]%{}<>|^`~ \"\\", "0123456789"}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		alphabet := alphabets[i%len(alphabets)]
		password := make([]byte, 12+random.IntN(8))
		for j := range password {
			password[j] = alphabet[random.IntN(len(alphabet))]
		}
		for _, shape := range shapes {
			passwordLeaksNowhere(t, shape, string(password))
		}
	}
}

func FuzzPasswords(f *testing.F) {
	for i := range shapes {
		f.Add(i, "hunter2-hunter2")
		f.Add(i, "a@b/c?d#e&f=g%h:i;j")
	}
	f.Fuzz(func(t *testing.T, i int, password string) {
		if i < 0 || i >= len(shapes) || len(password) < 8 || strings.Contains(password, "://") || strings.Contains(strings.Join(shapes, "\n"), password) {
			t.Skip("no shape, or no password that can be told from the text around it")
		}
		if strings.Trim(password, "/.:_-*(), \n\r\t") == "" {
			t.Skip("nothing but punctuation")
		}
		passwordLeaksNowhere(t, shapes[i], password)
	})
}

func TestEnvironmentVariablesLeakNothing(t *testing.T) {
	for _, name := range []string{
		"CONCURRENT_probe://u:s3cr3t@h_URL", "CONCURRENT_s3cr3t@h_LEASE", "CONCURRENT_s3cr3t/h_PREFIX",
	} {
		clearEnv(t)
		t.Setenv(name, "1s")
		err := concurrent.Aliases{}.FromEnv()
		if !errors.Is(err, concurrent.ErrInvalidConfig) {
			t.Errorf("%s: FromEnv = %v", name, err)
			continue
		}
		showsNot(t, name, err.Error(), "s3cr3t")
		_ = os.Unsetenv(name)
	}
	clearEnv(t)
	t.Setenv("CONCURRENT_LEASE", "probe://u:s3cr3t@h")
	err := concurrent.Aliases{}.FromEnv()
	says(t, err, "CONCURRENT_LEASE", "no duration")
	showsNot(t, "the error of a lease", err.Error(), "s3cr3t")
}
