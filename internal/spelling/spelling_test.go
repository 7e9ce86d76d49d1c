package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"addr", "db", "pool_size", "read_timeout", "schema"}
	for wrong, want := range map[string]string{
		"pool_sise":                       "pool_size",
		"poolsize":                        "pool_size",
		"POOL_SIZE":                       "pool_size",
		"adr":                             "addr",
		"shcema":                          "schema",
		"raed_timeuot":                    "read_timeout",
		"bd":                              "db",
		"xy":                              "",
		"":                                "",
		"qqqqqqqq":                        "",
		strings.Repeat("read_timeout", 9): "",
	} {
		if got := Nearest(wrong, names); got != want {
			t.Errorf("the name nearest to %q is %q, want %q", wrong, got, want)
		}
	}
}

func TestHint(t *testing.T) {
	if got := Hint("perfix", []string{"url", "prefix"}); got != `; did you mean "prefix"?` {
		t.Errorf("Hint = %s", got)
	}
	if got := Hint("qqqqqqqq", []string{"url", "prefix"}); got != "" {
		t.Errorf("Hint of a far name = %s", got)
	}
}
