package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheStoreCanBeNamedInEveryWay(t *testing.T) {
	h := newHome(t)
	dir := filepath.Join(h.dir, "elsewhere")
	config := filepath.Join(h.dir, "config.json")
	text := `{"default": {"url": "${WHERE}"}, "other": {"url": "${WHERE}", "prefix": "p:", "lease": "90s"}}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := []string{"--", os.Args[0], "list", "--json", "--url", fileURL(dir)}
	for _, c := range []struct {
		env, key string
		flags    []string
	}{
		{"", "k", []string{"--url", fileURL(dir)}},
		{"CONCURRENT_URL=", "k", nil},
		{"CONCURRENT_BILLING_URL=", "k", []string{"--alias", "billing"}},
		{"WHERE=", "k", []string{"--config", config}},
		{"WHERE=", "p:k", []string{"--config", config, "--alias", "other"}},
	} {
		cmd := h.command(append(append([]string{"run", "k"}, c.flags...), inside...)...)
		if c.env != "" {
			cmd = withEnv(cmd, c.env+fileURL(dir))
		}
		finish(t, cmd, "").want(t, 0, `"key": "`+c.key+`"`)
	}
	h.run("", "list", "--config", config).want(t, exitUsage, "WHERE")
	h.run("", "list", "--alias", "billing").want(t, exitUsage, "CONCURRENT_URL")
	finish(t, withEnv(h.command("list", "--config", config, "--alias", "nobody"), "WHERE="+fileURL(dir)), "").
		want(t, exitUsage, "unknown alias")
}

func TestTheDefaultStoreIsTheUsersAlone(t *testing.T) {
	h := newHome(t)
	h.run("", "list").want(t, 0, "KEY")
	fi, err := os.Stat(filepath.Join(h.dir, "concurrent"))
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("default store: %v, %v", fi, err)
	}
}

func TestWhereTheDefaultStoreIs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	const nobody = 1<<30 + 7 // has no directory in /run/user
	for _, c := range []struct{ runtimeDir, want string }{
		{dir + "/xdg", dir + "/xdg/concurrent"},
		{"relative", dir + "/concurrent-1073741831"},
		{"", dir + "/concurrent-1073741831"},
	} {
		if got := defaultDir(c.runtimeDir, nobody); got != c.want {
			t.Errorf("XDG_RUNTIME_DIR=%q: %s, want %s", c.runtimeDir, got, c.want)
		}
	}
	u, err := url.Parse(fileURL("/a b/c#d?e%f"))
	if err != nil || u.Path != "/a b/c#d?e%f" || u.Scheme != "file" {
		t.Errorf("%v, %v", u, err)
	}
}

func TestAStoreThatCantBeUsedIs69(t *testing.T) {
	h := newHome(t)
	file := filepath.Join(h.dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(h.dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for dir, text := range map[string]string{file: "not a directory", file + "/below": "can't be made", open: "others can write"} {
		for _, args := range [][]string{{"list"}, {"inspect", "k"}, {"break", "k"}, {"run", "k", "--", "echo", "ran"}} {
			r := h.run("", append([]string{args[0], "--url", fileURL(dir)}, args[1:]...)...)
			r.want(t, exitUnavailable, text)
			if strings.Contains(r.out, "ran") {
				t.Errorf("%s ran the program without a lock", args)
			}
		}
	}
}
