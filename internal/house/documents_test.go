package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents returns the Markdown files of the tree.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/guides/*.md", "docs/drivers/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rel)
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d documents were found", len(all))
	}
	return all
}

// A document that is empty was lost, in a merge for example.
func TestDocumentsSaySomething(t *testing.T) {
	t.Parallel()
	for _, doc := range documents(t) {
		if !strings.HasPrefix(read(t, doc), "# ") {
			t.Errorf("%s does not begin with a title", doc)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// A link to a file of the tree leads to one.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			path := filepath.Join(root, filepath.Dir(doc), filepath.FromSlash(m[1]))
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", doc, m[1])
			}
		}
	}
}

// readmeParts are what the README's code takes for granted.
const readmeParts = `
func build(context.Context) (int, error) { return 0, nil }

func save(context.Context, int, uint64) error { return nil }

func deliver(context.Context, uint64) error { return nil }

func fenced(ctx context.Context, total int) error {
%s	return err
}
`

// The README's code is a program: its parts, put together, pass go vet.
func TestReadmeCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it builds a module")
	}
	blocks := goBlocks(read(t, "README.md"))
	if len(blocks) != 3 {
		t.Fatalf("the README has %d blocks of Go; this test knows three", len(blocks))
	}
	first := strings.Replace(blocks[0], "import (\n", "import (\n\t\"context\"\n\t\"time\"\n\n", 1)
	rest := "\n" + blocks[1] + strings.Replace(readmeParts, "%s", blocks[2], 1)
	dir := newConsumer(t)
	if err := os.WriteFile(filepath.Join(dir, "readme.go"), []byte("package main\n\n"+first+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "vet", "./...")
}

func goBlocks(text string) []string {
	var blocks []string
	for {
		_, after, found := strings.Cut(text, "```go\n")
		if !found {
			return blocks
		}
		block, rest, _ := strings.Cut(after, "```")
		blocks, text = append(blocks, block), rest
	}
}
