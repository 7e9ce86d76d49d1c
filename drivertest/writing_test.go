package drivertest_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivertest"
)

// The driver that docs/drivers/writing.md makes passes the suite.
func TestShelf(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Bubble: true,
		Cycles: 1_000,
		Backend: func(*testing.T) func(context.Context) (driver.Store, error) {
			return (&shelf{keys: make(map[string]map[string]lease)}).Open
		},
	})
}

// The document shows that driver as it is, whole, in under 100 lines.
func TestWritingShowsTheShelf(t *testing.T) {
	t.Parallel()
	rest, lines := text(t, "example_test.go"), 0
	for _, block := range goBlocks(text(t, "../docs/drivers/writing.md")) {
		before, after, found := strings.Cut(rest, block)
		if !found {
			if !strings.Contains(block, "drivertest.Run") {
				t.Errorf("docs/drivers/writing.md shows code that drivertest/example_test.go has not, or has before:\n%s", block)
			}
			continue
		}
		if strings.Contains(before, "func (s") {
			t.Errorf("docs/drivers/writing.md leaves out:\n%s", before)
		}
		rest = after
		for line := range strings.Lines(block) {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
	}
	if lines == 0 || lines >= 100 {
		t.Errorf("the document's driver has %d lines", lines)
	}
	if strings.Contains(rest, "func (s") {
		t.Errorf("docs/drivers/writing.md leaves out:\n%s", rest)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func goBlocks(document string) []string {
	var blocks []string
	for {
		_, after, found := strings.Cut(document, "```go\n")
		if !found {
			return blocks
		}
		block, rest, _ := strings.Cut(after, "```")
		blocks, document = append(blocks, block), rest
	}
}
