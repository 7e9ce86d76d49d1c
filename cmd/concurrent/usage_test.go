package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// direct runs the command in this process, as far as it starts no program.
func direct(args ...string) result {
	var out, errs bytes.Buffer
	code := run(args, strings.NewReader(""), &out, &errs)
	return result{code, out.String(), errs.String()}
}

func TestBadUsageIs64AndSaysWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	memory := "--url=memory://"
	for _, c := range []struct {
		text string
		args []string
	}{
		{"try-it", nil},
		{"see concurrent --help", []string{"walk"}},
		{"<key>", []string{"run"}},
		{"<program>", []string{"run", "k"}},
		{"after --", []string{"run", "k", memory, "--"}},
		{"--wait", []string{"run", "k", memory, "--wiat", "1s", "--", "true"}},
		{"unit", []string{"run", "k", memory, "--wait", "30", "--", "true"}},
		{"unit", []string{"run", "k", memory, "--wait=-1s", "--", "true"}},
		{"at least 1s", []string{"run", "k", memory, "--expire", "999ms", "--", "true"}},
		{"255 bytes", []string{"run", "k", memory, "--label", strings.Repeat("x", 256), "--", "true"}},
		{"must not be empty", []string{"inspect", "", memory}},
		{"at most 1024 bytes", []string{"run", strings.Repeat("k", 1025), memory, "--", "true"}},
		{"unexpected argument", []string{"list", "a", "b"}},
		{"unexpected argument", []string{"break", "a", "b"}},
		{"can't be used together", []string{"list", memory, "--alias", "a"}},
		{"can't be used together", []string{"list", memory, "--config", "f"}},
		{"no such file", []string{"list", "--config", filepath.Join(t.TempDir(), "none")}},
		{"unknown driver", []string{"list", "--url", "memroy://"}},
		{"has no scheme", []string{"list", "--url", "/tmp/locks"}},
		{"relative", []string{"list", "--url", "file:locks"}},
		{"takes no parameters", []string{"list", "--url", "file:///tmp/locks?x=1"}},
	} {
		r := direct(c.args...)
		if r.code != exitUsage || !strings.Contains(r.errors, c.text) || r.out != "" {
			t.Errorf("concurrent %q: status %d, stdout %q, stderr %q; want 64 and %q", c.args, r.code, r.out, r.errors, c.text)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"list", "-h"}} {
		if r := direct(args...); r.code != 0 || !strings.Contains(r.out, "Usage: concurrent") || r.errors != "" {
			t.Errorf("concurrent %q: %+v", args, r)
		}
	}
}

func TestAProgramThatCantRunIs127Or126(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := direct("run", "k", "--url=memory://", "--", "no-such-program-anywhere"); r.code != exitNotFound {
		t.Errorf("a program that is not there: %+v", r)
	}
	if r := direct("run", "k", "--url=memory://", "--", plain); r.code != exitCantRun {
		t.Errorf("a file that is no program: %+v", r)
	}
}

func TestNoPasswordIsPrinted(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(`{"default": {"url": "nowhere://u:`+secret+`@h/", "lease": "`+secret[:1]+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"list", "--url", "nowhere://u:" + secret + "@h/"},
		{"list", "--url", "nowhere://u:" + secret + "@h:port/%"},
		{"list", "--url", "file://u:" + secret + "@/dir"},
		{"list", "nowhere://u:" + secret + "@h/", "nowhere://u:" + secret + "@h/"},
		{"nowhere://u:" + secret + "@h/"},
		{"list", "--urll=nowhere://u:" + secret + "@h/"},
		{"run", "k", "--wait", "nowhere://u:" + secret + "@h/", "--", "true"},
		{"list", "--config", config},
	} {
		r := direct(args...)
		if r.code != exitUsage || strings.Contains(r.out+r.errors, secret) {
			t.Errorf("concurrent %q: status %d, printed %q", args, r.code, r.out+r.errors)
		}
	}
}
