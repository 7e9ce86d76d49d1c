package locktest

import (
	"os"
	"strings"
	"testing"
)

// The code that the documents show is code that runs.
func TestDocumentsShowExamples(t *testing.T) {
	t.Parallel()
	examples := read(t, "example_test.go")
	guide := strings.Split(read(t, "../docs/guides/testing.md"), "```go\n")[1:]
	for i, after := range guide {
		guide[i], _, _ = strings.Cut(after, "```")
	}
	for where, blocks := range map[string][]string{"docs/guides/testing.md": guide, "doc.go": indented(read(t, "doc.go"))} {
		if len(blocks) == 0 {
			t.Errorf("%s has no code", where)
		}
		for _, block := range blocks {
			for part := range strings.SplitSeq(block, "\n\n") {
				if !strings.Contains(examples, strings.TrimSpace(part)) {
					t.Errorf("%s shows code that is not in example_test.go:\n%s", where, part)
				}
			}
		}
	}
}

// indented returns the blocks of code in a file's comments.
func indented(text string) []string {
	var blocks []string
	inside := false
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(line, "//\t")
		if ok && !inside {
			blocks = append(blocks, "")
		}
		if ok {
			blocks[len(blocks)-1] += code
		}
		inside = ok
	}
	return blocks
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
