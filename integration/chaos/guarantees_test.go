package chaos

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of faults into docs/guarantees.md")

const (
	root      = "../.."
	tableFrom = "<!-- The table is made by make guarantees, from integration/chaos/faults_test.go. -->\n"
	tableTo   = "<!-- The table ends. -->\n"
)

// What the document says of faults is what the table says.
func TestTheDocumentSaysWhatIsShown(t *testing.T) {
	path := filepath.Join(root, "docs", "guarantees.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), tableFrom)
	_, after, ended := strings.Cut(rest, tableTo)
	if !begun || !ended {
		t.Fatalf("docs/guarantees.md has no place for the table: %q and %q", tableFrom, tableTo)
	}
	want := before + tableFrom + table() + tried(t) + tableTo + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the table in docs/guarantees.md differs from faults_test.go: run make guarantees")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table is the faults in Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("\n| What happens | Store | What is promised | Shown by |\n|---|---|---|---|\n")
	for _, r := range faults {
		fault := r.fault
		for _, c := range r.cells {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", fault, c.stores, c.promise, c.shown())
			fault = ""
		}
	}
	b.WriteString("\n")
	return b.String()
}

// tried is what the runs of make chaos found whose summaries are in results.
func tried(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("results", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no summaries (%v): run make chaos", err)
	}
	var b strings.Builder
	b.WriteString("What `make chaos` found on a machine of two cores, several drivers at once, on the day and\nfor the time that the table says (`integration/chaos/results` has more):\n\n")
	b.WriteString("| | | operations | grants | faults | losses told | stale writes stopped | promises broken |\n|---|---|---|---|---|---|---|---|\n")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var s Summary
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		faults := 0
		for _, n := range s.Counts.Faults {
			faults += n
		}
		c := &s.Counts
		fmt.Fprintf(&b, "| %s | %s, %s | %d | %d | %d | %d | %d | %d |\n",
			s.Driver, s.Date, s.Duration, c.Operations, c.Grants, faults, c.Losses, c.Stopped, len(s.Violations))
	}
	b.WriteString("\n")
	return b.String()
}

func (c *cell) shown() string {
	var parts []string
	for _, test := range c.tests {
		folder, name, _ := strings.Cut(test, " ")
		parts = append(parts, fmt.Sprintf("[`%s`](../%s)", name, folder))
	}
	text := strings.Join(parts, ", ")
	switch {
	case text == "":
		return c.missing
	case c.missing != "":
		return text + "; " + c.missing
	}
	return text
}

// Every promise has a test, or says why it has none; every test is there.
func TestEveryPromiseNamesATestThatIsThere(t *testing.T) {
	there := map[string]string{}
	for _, r := range faults {
		for _, c := range r.cells {
			if len(c.tests) == 0 && c.missing == "" {
				t.Errorf("%s, %s: no test, and no reason", r.fault, c.stores)
			}
			for _, test := range c.tests {
				folder, name, _ := strings.Cut(test, " ")
				if there[folder] == "" {
					there[folder] = sources(t, folder)
				}
				if !regexp.MustCompile(`(?m)^func ` + name + `\(t \*testing\.T\)`).MatchString(there[folder]) {
					t.Errorf("%s, %s: %s has no test %s", r.fault, c.stores, folder, name)
				}
			}
		}
	}
}

// sources are the tests of a folder.
func sources(t *testing.T, folder string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
