package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxModules is how many modules a user of package locks gets into the module
// graph at most, this one counted and the user's own not.
const maxModules = 15

// pinned lists the packages outside the standard library that a user of
// package locks compiles. A new line there is a cost to every user: write it
// down here only if it is worth that.
const pinned = "testdata/consumer-packages.txt"

// heavy are words that no module path compiled for package locks contains,
// whatever the pinned list says.
var heavy = []string{"pgx", "redis", "kong", "testcontainers", "docker", "flock", "fsnotify", "goleak"}

func TestConsumerOfLocksAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it builds a module")
	}
	// go test keeps the result until a file that the test itself opened has
	// changed, and does not see what the go command reads below: open it all.
	sources(t)

	dir := newConsumer(t)
	run(t, dir, "build", "-buildvcs=false", "./...")

	t.Run("requires few modules", func(t *testing.T) {
		modules := strings.Fields(run(t, dir, "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all"))
		t.Logf("%d modules in the graph: %s", len(modules), strings.Join(modules, " "))
		if len(modules) > maxModules {
			t.Errorf("a program that imports only %s/locks has %d modules in its graph, at most %d are allowed:\n%s",
				module, len(modules), maxModules, run(t, dir, "mod", "graph"))
		}
	})

	t.Run("compiles what is pinned", func(t *testing.T) {
		packages := strings.Fields(run(t, dir, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./..."))
		packages = slices.DeleteFunc(packages, func(p string) bool { return p == "consumer" })
		slices.Sort(packages)
		checkPackages(t, packages, pinnedPackages(t))
	})

	t.Run("compiles no testing", func(t *testing.T) {
		if slices.Contains(strings.Fields(run(t, dir, "list", "-deps", "./...")), "testing") {
			t.Error("package testing is compiled into every user's program")
		}
	})
}

func checkPackages(t *testing.T, got, want []string) {
	t.Helper()
	t.Logf("%d packages compiled: %s", len(got), strings.Join(got, " "))
	for _, p := range got {
		if !slices.Contains(want, p) {
			t.Errorf("users of package locks now compile %s too; if that is worth it to each of them, add it to internal/house/%s", p, pinned)
		}
		rest := strings.TrimPrefix(p, module)
		for _, word := range heavy {
			if strings.Contains(rest, word) {
				t.Errorf("users of package locks compile %s: nothing with %q belongs there", p, word)
			}
		}
	}
	for _, p := range want {
		if !slices.Contains(got, p) {
			t.Errorf("%s is no longer compiled: remove it from internal/house/%s, so that it can't come back unseen", p, pinned)
		}
	}
}

func pinnedPackages(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(pinned))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// newConsumer writes a module that imports only package locks of this
// checkout. The root module's go.sum goes with it, so that nothing is asked
// of the network that the root module's own tests did not ask.
func newConsumer(t *testing.T) string {
	t.Helper()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var version string
	for line := range strings.Lines(read(t, "go.mod")) {
		if v, ok := strings.CutPrefix(line, "go "); ok {
			version = strings.TrimSpace(v)
		}
	}
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":  "module consumer\n\ngo " + version + "\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + checkout + "\n",
		"go.sum":  read(t, "go.sum"),
		"main.go": "package main\n\nimport _ \"" + module + "/locks\"\n\nfunc main() {}\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs the go command in dir, as a user would, and returns what it
// printed.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on", "PWD="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
