package script_test

import (
	"crypto/sha1"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var all = map[string]*script.Script{
	"acquire": script.Acquire, "extend": script.Extend, "release": script.Release, "keep": script.Keep,
	"leave": script.Leave, "inspect": script.Inspect, "break": script.Break, "probe": script.Probe,
	"listeners": script.Listeners,
}

func TestTextIsAssembledFromTheFiles(t *testing.T) {
	for name, s := range all {
		switch {
		case !strings.HasPrefix(s.Text, "#!lua"):
			t.Errorf("%s has no shebang in its first line: its flags are not heeded", name)
		case strings.Contains(s.Text, "--#include"):
			t.Errorf("%s has a part that was not included", name)
		case name != "probe" && name != "listeners" && !strings.Contains(s.Text, "local NEVER"):
			t.Errorf("%s does not read the state of a lock", name)
		}
	}
}

// A server names a script by the SHA-1 of its text.
func TestSHAIsTheTexts(t *testing.T) {
	seen := make(map[string]string)
	for name, s := range all {
		sum := sha1.Sum([]byte(s.Text))
		if want := hex.EncodeToString(sum[:]); s.SHA != want {
			t.Errorf("%s is called %s, want %s", name, s.SHA, want)
		}
		if other := seen[s.SHA]; other != "" {
			t.Errorf("%s and %s are the same", name, other)
		}
		seen[s.SHA] = name
	}
}

// What ends a lease may run once more, late; what makes, lengthens or breaks one may not.
func TestOnlyWhatEndsALeaseIsRepeated(t *testing.T) {
	for name, s := range all {
		want := map[string]bool{"release": true, "keep": true, "leave": true, "inspect": true}[name]
		if s.Harmless != want {
			t.Errorf("%s is harmless: %v", name, s.Harmless)
		}
		if many := strings.Contains(s.Text, "for i = 1, #KEYS do"); s.ManyKeys != many {
			t.Errorf("%s is said to take many keys: %v, and has the loop: %v", name, s.ManyKeys, many)
		}
	}
}

// A full memory must not keep a lease from being extended or released.
func TestWhatAHolderNeedsRunsWhenTheMemoryIsFull(t *testing.T) {
	for name, s := range all {
		first, _, _ := strings.Cut(s.Text, "\n")
		switch name {
		case "acquire":
			if strings.Contains(first, "allow-oom") {
				t.Errorf("%s is granted when the memory is full: %s", name, first)
			}
		case "inspect":
			if !strings.Contains(first, "no-writes") {
				t.Errorf("%s: %s", name, first)
			}
		default:
			if !strings.Contains(first, "allow-oom") {
				t.Errorf("%s fails when the memory is full: %s", name, first)
			}
		}
	}
}

func TestEveryFileIsUsed(t *testing.T) {
	used := make(map[string]bool)
	names, err := fs.Glob(os.DirFS("lua"), "*.lua")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(path.Join("lua", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if part, ok := strings.CutPrefix(strings.TrimSpace(line), "--#include "); ok {
				used[part] = true
			}
		}
	}
	for _, name := range names {
		if all[strings.TrimSuffix(name, ".lua")] == nil && !used[name] {
			t.Errorf("no script includes %s", name)
		}
	}
}
