package house

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A checker type-checks packages from source, with all that they import, for the
// operating system of this machine and without cgo.
type checker struct {
	fset   *token.FileSet
	listed map[string]*listed
	done   map[string]*types.Package // those that were imported
}

// A listed package is one as go list prints it.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string // where the standard library has a copy of its own
}

// newChecker returns a checker of packages of this module, by their folders.
func newChecker(t *testing.T, folders ...string) *checker {
	t.Helper()
	args := append([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap"}, folders...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	c := &checker{fset: token.NewFileSet(), listed: make(map[string]*listed), done: make(map[string]*types.Package)}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		p := new(listed)
		if err := d.Decode(p); err != nil {
			t.Fatal(err)
		}
		c.listed[p.ImportPath] = p
	}
	return c
}

// check type-checks a package. Without info it passes over the bodies of functions,
// which those who import the package do not see.
func (c *checker) check(path string, info *types.Info) (*types.Package, error) {
	p := c.listed[path]
	if p == nil {
		return nil, fmt.Errorf("go list did not name %s", path)
	}
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	config := types.Config{
		Importer: importerOf{c, p}, IgnoreFuncBodies: info == nil, Sizes: types.SizesFor("gc", runtime.GOARCH),
	}
	return config.Check(path, c.fset, files, info)
}

// An importerOf imports for one package.
type importerOf struct {
	c *checker
	p *listed
}

// Import implements types.Importer.
func (i importerOf) Import(path string) (*types.Package, error) {
	if to := i.p.ImportMap[path]; to != "" {
		path = to
	}
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if pkg := i.c.done[path]; pkg != nil {
		return pkg, nil
	}
	pkg, err := i.c.check(path, nil)
	if err == nil {
		i.c.done[path] = pkg
	}
	return pkg, err
}

// A need is a file of a package and another one that it refers to.
type need struct{ from, to string }

// needs returns the files of a package, tests left out, and what each needs of the
// others: the names that it uses of constants, variables, functions, types, methods
// and fields that are declared there. What is reached unnamed does not count: a
// method by way of an interface, an embedded field on the way to its own.
func (c *checker) needs(t *testing.T, path string) (files []string, all map[need][]string) {
	t.Helper()
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	pkg, err := c.check(path, info)
	if err != nil {
		t.Fatal(err)
	}
	all = make(map[need][]string)
	for ident, used := range info.Uses {
		if used.Pkg() != pkg || !used.Pos().IsValid() { // of another package, or the universe
			continue
		}
		n := need{c.file(ident), c.file(used)}
		if n.from != n.to && !slices.Contains(all[n], used.Name()) {
			all[n] = append(all[n], used.Name())
		}
	}
	return c.listed[path].GoFiles, all
}

// file returns the name of the file where an identifier or an object stands.
func (c *checker) file(at interface{ Pos() token.Pos }) string {
	return filepath.Base(c.fset.Position(at.Pos()).Filename)
}
