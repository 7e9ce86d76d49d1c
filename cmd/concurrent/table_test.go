package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)

func TestATableHasALineForEachHolder(t *testing.T) {
	t.Parallel()
	infos := []locks.Info{
		{Key: "a", Waiters: -1},
		{Key: "b", Waiters: 3, Holders: []locks.Holder{
			{Host: "h", PID: 7, Label: "x y", Since: noon.Add(-90 * time.Second), Until: noon.Add(1500 * time.Millisecond), Token: 42},
			{Host: "h", PID: 8},
		}},
	}
	var b bytes.Buffer
	if err := writeTable(&b, infos, noon); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"KEY HOST PID LABEL SINCE ENDS TOKEN WAITING",
		"a free ?",
		"b h 7 x y 2026-11-23 11:58:30 (1m30s ago) in 1.5s 42 3",
		"b h 8 ? never none 3",
	}
	for i, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		if got := strings.Join(strings.Fields(line), " "); got != want[i] {
			t.Errorf("line %d is %q, want %q", i, got, want[i])
		}
	}
}

// Whoever chose a key or a label has no say over the reader's terminal.
func TestTextOfOthersIsMadePrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain é \"q\"": "plain é \"q\"", "\x1b[2J": `\x1b[2J`, "a\tb\nc": `a\tb\nc`, "\xff": `\xff`, "\u202e": `\u202e`, `\`: `\\`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestJSONKeepsKeysThatAreNoText(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(toJSON(locks.Info{Alias: "default", Key: "a\xff", Waiters: -1}))
	want := `{"alias":"default","key":"a\ufffd","key_base64":"Yf8=","holders":[],"waiters":null}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
}

func TestWhoHoldsAKeyIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	h := locks.Holder{Host: "h", PID: 7, Label: "job", Since: noon.Add(-2 * time.Minute)}
	for _, c := range []struct {
		holders []locks.Holder
		want    string
	}{
		{nil, "nobody holds it now"},
		{[]locks.Holder{h}, "held by job, pid 7 on h since 11:58:00, for 2m0s"},
		{[]locks.Holder{{Host: "h", PID: 7}, h, h}, "held by pid 7 on h, and by 2 more"},
	} {
		if got := holding(locks.Info{Holders: c.holders}, noon); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestALineFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width int
		want  string
	}{{0, "häuser"}, {6, "häuser"}, {5, "häus…"}, {1, "…"}} {
		if got := clip("häuser", c.width); got != c.want {
			t.Errorf("in %d columns: %q, want %q", c.width, got, c.want)
		}
	}
}
