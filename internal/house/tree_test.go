package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// module is the path of the root module.
const module = "github.com/concurrent-go/concurrent"

// root is the folder of the root module, seen from this package's tests.
const root = "../.."

// walk calls visit with every file of the tree, nested modules included: its
// path from root, with slashes. Hidden folders, testdata and bin, which git
// ignores, are left out.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case !d.IsDir():
			visit(filepath.ToSlash(rel))
		case rel == ".":
		case strings.HasPrefix(name, "."), name == "testdata", rel == "bin":
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// read returns the content of a file that walk found.
func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A source is one Go file, whatever operating system it is for.
type source struct {
	path    string // from root
	dir     string // "." for the root package
	test    bool
	name    string // of the package
	doc     string // the comment on its package clause
	imports []string
}

// sources parses every Go file of the tree.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		f, err := parser.ParseFile(fset, path, read(t, path), parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		all = append(all, newSource(path, f))
	})
	if len(all) == 0 {
		t.Fatalf("no Go file under %s", root)
	}
	return all
}

func newSource(path string, f *ast.File) source {
	s := source{
		path: path,
		dir:  filepath.ToSlash(filepath.Dir(path)),
		test: strings.HasSuffix(path, "_test.go"),
		name: f.Name.Name,
		doc:  strings.TrimSpace(f.Doc.Text()),
	}
	for _, i := range f.Imports {
		s.imports = append(s.imports, strings.Trim(i.Path.Value, "`\""))
	}
	return s
}

// byFolder groups files by their folder, in a fixed order.
func byFolder(all []source) ([]string, map[string][]source) {
	groups := make(map[string][]source)
	for _, s := range all {
		groups[s.dir] = append(groups[s.dir], s)
	}
	dirs := make([]string, 0, len(groups))
	for dir := range groups {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs, groups
}
