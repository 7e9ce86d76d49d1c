package house

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A file is one idea: longer ones hold two.
const maxLines = 400

func TestFilesAreShort(t *testing.T) {
	walk(t, func(file string) {
		switch path.Ext(file) {
		case ".go", ".lua", ".sql":
		default:
			return
		}
		text := read(t, file)
		lines := strings.Count(text, "\n")
		if !strings.HasSuffix(text, "\n") {
			lines++
		}
		if lines > maxLines {
			t.Errorf("%s has %d lines, at most %d are allowed: give its second idea a file of its own", file, lines, maxLines)
		}
	})
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	empty := []string{"util", "utils", "common", "helper", "helpers", "manager", "base", "misc", "shared"}
	for _, s := range sources(t) {
		if name := strings.TrimSuffix(s.name, "_test"); slices.Contains(empty, name) {
			t.Errorf("%s: package %s could hold anything: name it after what it does", s.path, s.name)
		}
		if file := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test"); slices.Contains(empty, file) {
			t.Errorf("%s could hold anything: name the file after its idea", s.path)
		}
	}
}

func TestEveryPackageHasOneDocComment(t *testing.T) {
	dirs, groups := byFolder(sources(t))
	for _, dir := range dirs {
		var documented []string
		code := false
		for _, s := range groups[dir] {
			if s.test {
				continue
			}
			code = true
			if s.doc != "" {
				documented = append(documented, s.path)
			}
		}
		if code && len(documented) != 1 {
			t.Errorf("%s: want one package comment, in one file, found %d %v", dir, len(documented), documented)
		}
	}
}

func TestEveryTestedPackageLooksForLeaks(t *testing.T) {
	dirs, groups := byFolder(sources(t))
	for _, dir := range dirs {
		tested, guarded := false, false
		for _, s := range groups[dir] {
			tested = tested || s.test
			guarded = guarded || slices.Contains(s.imports, "go.uber.org/goleak") ||
				slices.Contains(s.imports, module+"/integration/servers") // whose Main looks for leaks
		}
		if tested && !guarded {
			t.Errorf("%s has tests and no TestMain with goleak.VerifyTestMain or servers.Main", dir)
		}
	}
}

// A nested module that took the library from the proxy would test another
// version than the one beside it.
func TestNestedModulesUseThisCheckout(t *testing.T) {
	goLine := regexp.MustCompile(`(?m)^go (\S+)$`)
	want := goLine.FindString(read(t, "go.mod"))
	if want == "" {
		t.Fatal("go.mod has no go line")
	}
	requires := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(module) + `\s+v`)
	replaces := regexp.MustCompile(`(?m)^\s*(?:replace\s+)?` + regexp.QuoteMeta(module) + `\s+=>\s+(\S+)$`)
	walk(t, func(file string) {
		if path.Base(file) != "go.mod" || file == "go.mod" {
			return
		}
		text := read(t, file)
		dir := path.Dir(file)
		if got := goLine.FindString(text); got != want {
			t.Errorf("%s says %q, the root module %q", file, got, want)
		}
		if !requires.MatchString(text) {
			return
		}
		up := strings.TrimSuffix(strings.Repeat("../", strings.Count(dir, "/")+1), "/")
		m := replaces.FindStringSubmatch(text)
		if m == nil || path.Clean(m[1]) != up {
			t.Errorf("%s requires %s without: replace %s => %s", file, module, module, up+"/")
		}
	})
}
