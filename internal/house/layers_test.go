package house

import (
	"slices"
	"strings"
	"testing"
)

// A layer says what the packages in a folder may import outside their tests,
// besides the standard library and the packages below that folder. What no
// layer names is code of its own: the command, integration and bench.
type layer struct {
	folder string
	allow  []string // a path, or with a final slash all paths below it
}

// The same rules stand in .golangci.yml for the editor, which sees the files
// of one operating system only.
var layers = []layer{
	{".", []string{module + "/driver", module + "/internal/", "golang.org/x/sync/"}},
	{"driver", nil},
	{"drivertest", []string{module + "/driver"}},
	{"locks", []string{module, module + "/driver", module + "/drivers/memory", module + "/internal/", "golang.org/x/sync/"}}, // and its own internal rooms
	{"locktest", []string{module, module + "/driver", module + "/drivers/memory", module + "/internal/"}},
	{"drivers/memory", driverMay()},
	{"drivers/file", driverMay("github.com/fsnotify/fsnotify", "github.com/gofrs/flock", "golang.org/x/sys/")},
	{"drivers/redis", driverMay("github.com/redis/go-redis/v9", "github.com/redis/go-redis/v9/")},
	{"drivers/redis/internal/rediskey", nil},
	{"drivers/redis/internal/script", nil},
	{"drivers/redis/internal/reply", []string{module + "/driver", module + "/drivers/redis/internal/rediskey", "github.com/redis/go-redis/v9"}},
	{"drivers/redis/internal/batch", []string{
		module + "/drivers/redis/internal/reply", module + "/drivers/redis/internal/script", "github.com/redis/go-redis/v9",
	}},
	{"drivers/redis/internal/config", []string{
		module + "/drivers/redis/internal/reply", module + "/internal/spelling", "github.com/redis/go-redis/v9", "github.com/redis/go-redis/v9/",
	}},
	{"drivers/redis/internal/wakeup", []string{
		module + "/drivers/redis/internal/rediskey", module + "/drivers/redis/internal/reply", module + "/internal/backoff",
		"github.com/redis/go-redis/v9",
	}},
	{"drivers/postgres", driverMay("github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/")},
	{"internal/clock", nil},
	{"internal/defaultregistry", nil},
	{"internal/backoff", nil},
	{"internal/fifo", nil},
	{"locks/internal/deadline", []string{module + "/internal/clock"}},
	{"locks/internal/term", []string{module + "/internal/clock", module + "/locks/internal/deadline"}},
	{"locks/internal/wheel", []string{module + "/internal/clock"}},
	{"locks/internal/keepalive", []string{module + "/driver", "golang.org/x/sync/"}},
	{"locks/internal/waitline", []string{module + "/driver", module + "/internal/clock", module + "/internal/fifo"}},
	{"locks/internal/cleanup", []string{module + "/driver", module + "/internal/backoff"}},
	{"internal/envurl", nil},
	{"internal/losses", []string{module + "/driver"}},
	{"internal/redact", nil},
	{"internal/spelling", nil},
}

func driverMay(client ...string) []string {
	return append([]string{module, module + "/driver", module + "/internal/", "golang.org/x/sync/"}, client...)
}

func TestNothingPointsUpward(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if l, ok := layerOf(s.dir); ok {
			for _, imp := range s.imports {
				if !l.allows(imp) {
					t.Errorf("%s imports %s: %s may import the standard library and %q", s.path, imp, l.folder, l.allow)
				}
			}
		} else if strings.HasPrefix(s.dir, "drivers/") {
			t.Errorf("%s is in no layer: say in layers what this driver may import", s.path)
		}
	}
}

func layerOf(dir string) (layer, bool) {
	var nearest layer
	found := false
	for _, l := range layers {
		inside := dir == l.folder || l.folder != "." && strings.HasPrefix(dir, l.folder+"/")
		if inside && (!found || len(l.folder) > len(nearest.folder)) {
			nearest, found = l, true
		}
	}
	return nearest, found
}

func (l layer) allows(imp string) bool {
	if standard(imp) || l.folder != "." && strings.HasPrefix(imp, module+"/"+l.folder+"/") {
		return true
	}
	return slices.ContainsFunc(l.allow, func(a string) bool {
		return imp == a || strings.HasSuffix(a, "/") && strings.HasPrefix(imp, a)
	})
}

// standard reports whether imp is a package of the standard library: only
// those have no dot in their first element.
func standard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// forTests are the folders whose packages are there for tests.
var forTests = []string{"drivertest", "locktest", "integration", "bench"}

func TestLibraryCodeImportsNeitherTestingNorLog(t *testing.T) {
	for _, s := range sources(t) {
		top, _, _ := strings.Cut(s.dir, "/")
		if s.test || slices.Contains(forTests, top) {
			continue
		}
		for _, imp := range s.imports {
			switch {
			case imp == "testing" || strings.HasPrefix(imp, "testing/"):
				t.Errorf("%s imports %s: only %s and tests do", s.path, imp, strings.Join(forTests, ", "))
			case imp == "log":
				t.Errorf("%s imports log: a library has no log of its own, it tells the Observer", s.path)
			}
		}
	}
}
