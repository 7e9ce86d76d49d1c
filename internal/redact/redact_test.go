package redact

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestURL(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                       "",
		"memory://":                              "memory://",
		"memory://shared":                        "memory://shared",
		"file:///var/lib/locks":                  "file:///var/lib/locks",
		"redis://h:6379/0?db=1&addr=b:1,c:2":     "redis://h:6379/0?db=1&addr=b:1,c:2",
		"REDIS://h":                              "REDIS://h",
		"etcd://h1:2379,h2:2379":                 "etcd://h1:2379,h2:2379",
		"redis://[::1]:6379/0":                   "redis://[::1]:6379/0",
		"redis://u:s3cr3t@h:6379/0":              "redis://***@h:6379/0",
		"redis://s3cr3t@h":                       "redis://***@h",
		"redis://u:a@s3cr3t@h":                   "redis://***@h",
		"redis://u:12/s3cr3t@h":                  "redis://***",
		"redis://u:12?s3cr3t@h":                  "redis://***",
		"redis://u:12#s3cr3t@h":                  "redis://***",
		"redis://u:%zs3cr3t@h":                   "redis://***",
		"redis://:s3cr3t":                        "redis://***",
		"redis://:12345678":                      "redis://***",
		"redis://u:12345678":                     "redis://***",
		"redis://u:00000001":                     "redis://***",
		"redis://db,password=s3cr3t":             "redis://***",
		"redis://u:p@db,password=s3cr3t":         "redis://***@***",
		"redis://db:6379,password=s3cr3t":        "redis://***",
		"redis://h/0;password=s3cr3t?db=1":       "redis://h/***",
		"redis://h/%73ecret":                     "redis://h/***",
		"redis://h#s3cr3t":                       "redis://***",
		"redis://h?password=s3cr3t&db=1":         "redis://h?password=***",
		"redis://h?db=1&sslkey=x":                "redis://h?db=1&sslkey=***",
		"redis://h?%70assword=s3cr3t":            "redis://h?***",
		"redis://h?options=password%3Ds3cr3t":    "redis://h?options=***",
		"redis://h?options=%2570assword%3Dx":     "redis://h?options=***",
		"redis://h?options=my-password":          "redis://h?options=***",
		"redis://h?login=u:s3cr3t":               "redis://h?login=***",
		"redis://h?a=1;token=s3cr3t":             "redis://h?a=***",
		"redis://h?s3cr3t":                       "redis://h?***",
		"redis://h?x=" + strings.Repeat("a", 33): "redis://h?x=***",
		"host=db user=app password=s3cr3t":       "(not a URL: 32 bytes)",
		"Server=tcp://db;Password=s3cr3t":        "(not a URL: 31 bytes)",
		"redis//app:s3cr3t/db":                   "(not a URL: 20 bytes)",
		"jdbc:x://h;password=s3cr3t":             "(not a URL: 26 bytes)",
		"user:s3cr3t@tcp(db)/x":                  "(not a URL: 21 bytes)",
		"db:6379,password=s3cr3t":                "(not a URL: 23 bytes)",
		"redis:user:s3cr3t@h":                    "(not a URL: 19 bytes)",
		"://u:s3cr3t@h":                          "(not a URL: 13 bytes)",
		"x":                                      "(not a URL: 1 byte)",
	} {
		got := URL(raw)
		if got != want {
			t.Errorf("URL(%q) = %s, want %s", raw, got, want)
		}
		if again := URL(got); again != got {
			t.Errorf("%s, shown again, is %s", got, again)
		}
	}
}

func TestName(t *testing.T) {
	long := strings.Repeat("n", MaxName+1)
	for s, want := range map[string][2]string{
		"":                       {"", `""`},
		"default":                {"default", `"default"`},
		"aZ09-_.":                {"aZ09-_.", `"aZ09-_."`},
		"ä":                      {"(not a name: 2 bytes)", "(not a name: 2 bytes)"},
		long:                     {"(not a name: 65 bytes)", "(not a name: 65 bytes)"},
		"redis://u:s3cr3t@h":     {"(not a name: 18 bytes)", "(not a name: 18 bytes)"},
		"(not a name: 18 bytes)": {"(not a name: 18 bytes)", "(not a name: 18 bytes)"},
		"(not a name: s3cr3t)":   {"(not a name: 20 bytes)", "(not a name: 20 bytes)"},
	} {
		if got := [2]string{Name(s), Quoted(s)}; got != want {
			t.Errorf("Name and Quoted of %q are %q, want %q", s, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "billing:": "billing:", "a/b c": "a/b c",
		"redis://h": "(not shown: 9 bytes)", "u:p@h": "(not shown: 5 bytes)", "password=x": "(not shown: 10 bytes)",
	} {
		if got := Text(s); got != want {
			t.Errorf("Text(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestStrayAt(t *testing.T) {
	for raw, want := range map[string]bool{
		"redis://u:p@h/0": false, "file:///a@b": false, "redis://h": false, "": false, "a@b": false,
		"redis://u:1/p@h": true, "redis://u:1?p@h": true, "redis://u:p@h?x=a@b": true,
	} {
		if got := StrayAt(raw); got != want {
			t.Errorf("StrayAt(%q) = %v", raw, got)
		}
	}
}

func redactor(t *testing.T, raw string) *Redactor {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return New(raw, u)
}

func TestErrorsShowNoSecret(t *testing.T) {
	for raw, said := range map[string]string{
		"redis://u:s3cr3t@h":                            "dial redis://u:s3cr3t@h",
		"redis://s3cr3t@h":                              "user s3cr3t is unknown",
		"redis://u:a%22s3cr3t@h":                        `password "a\"s3cr3t"`,
		"redis://h?password=s3cr3t":                     "s3cr3t is wrong",
		"redis://h?password=a%26s3cr3t":                 "a&s3cr3t is wrong",
		"redis://h?options=password%3Ds3cr3t":           "s3cr3t is wrong",
		"redis://h?options=a%3D1%20password%253Ds3cr3t": "s3cr3t is wrong",
		"redis://h?password%3Ds3cr3t=1":                 `unknown parameter "password=s3cr3t"`,
		"redis://h/db;password=s3cr3t":                  "no database db;password=s3cr3t, s3cr3t is wrong",
		"redis://u:00000001":                            "redis://***",
		"redis://db,password=s3cr3t":                    "lookup db,password=s3cr3t: no such host, s3cr3t is wrong",
		"redis://u:s3cr3t@h?password=s3cr3t2":           "neither s3cr3t2 nor s3cr3t",
	} {
		err := redactor(t, raw).Error(errors.New(said))
		if strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "***2") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// An error whose own text is clean may hold one that isn't.
func TestErrorsWithinShowNoSecret(t *testing.T) {
	r := redactor(t, "redis://u:s3cr3t@h")
	target := errors.New("target")
	for name, err := range map[string]error{
		"wrapped": quiet{fmt.Errorf("s3cr3t: %w", target)},
		"joined":  quiet{errors.Join(target, errors.New("s3cr3t"))},
	} {
		clean := r.Error(err)
		if !errors.Is(clean, target) || errors.Unwrap(clean) != nil || clean.Error() != "quiet" {
			t.Errorf("%s became %v, which wraps %v", name, clean, errors.Unwrap(clean))
		}
	}
	if kept, ok := errors.AsType[quiet](r.Error(quiet{target})); !ok || !errors.Is(kept.inner, target) {
		t.Error("an error without secrets was changed")
	}
	if kept, ok := errors.AsType[quiet](new(Redactor).Error(quiet{errors.New("s3cr3t")})); !ok || kept.inner == nil {
		t.Error("the zero Redactor changed an error")
	}
}

type quiet struct{ inner error }

func (quiet) Error() string   { return "quiet" }
func (q quiet) Unwrap() error { return q.inner }
