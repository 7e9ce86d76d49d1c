package house

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// A room is a package whose files are to be read one by one: what a file needs of
// the others leads away from it, and not back.
type room struct {
	folder string
	most   int // files in a cycle, which can only be read together; 0: only reported
}

var rooms = []room{
	{"locks", 8}, // 8, when its cycle is broken
	{".", 0},
	{"drivers/redis", 0},
	{"drivers/postgres", 0},
	{"drivers/file", 0},
	{"drivers/memory", 0},
}

// A reference is one file that needs another, by however many names: what counts as
// a name is said at needs.
func TestRoomsHaveSmallCycles(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it type-checks the standard library and the drivers' clients")
	}
	t.Parallel()
	sources(t) // go test sees only files that the test opens in its module
	var folders []string
	for _, r := range rooms {
		folders = append(folders, "./"+r.folder)
	}
	c := newChecker(t, folders...)
	for _, r := range rooms {
		files, needs := c.needs(t, strings.TrimSuffix(module+"/"+r.folder, "/."))
		if len(needs) == 0 {
			t.Errorf("%s: no file refers to another: the count sees nothing", r.folder)
		}
		pairs := 0
		for n := range needs {
			if n.from < n.to && needs[need{n.to, n.from}] != nil {
				pairs++
			}
		}
		cycle := largestCycle(files, needs)
		t.Logf("%s: %d files, %d references, %d pairs that need each other, %d files in the largest cycle: %s",
			r.folder, len(files), len(needs), pairs, len(cycle), strings.Join(cycle, " "))
		if r.most > 0 && len(cycle) > r.most {
			t.Errorf("%s: %d files need each other in a circle, at most %d are allowed:\n%s",
				r.folder, len(cycle), r.most, strings.Join(inside(cycle, needs), "\n"))
		}
	}
}

// largestCycle returns the largest set of files of which each needs each other, if
// only by way of others: a strongly connected component. It is empty if no two do.
func largestCycle(files []string, needs map[need][]string) []string {
	reached := make(map[need]bool)
	for n := range needs {
		reached[n] = true
	}
	for _, by := range files { // Warshall: the ways that lead through by, and those before
		for _, from := range files {
			for _, to := range files {
				if reached[need{from, by}] && reached[need{by, to}] {
					reached[need{from, to}] = true
				}
			}
		}
	}
	var largest []string
	for _, f := range files {
		var cycle []string
		for _, g := range files {
			if reached[need{f, g}] && reached[need{g, f}] {
				cycle = append(cycle, g)
			}
		}
		if len(cycle) > len(largest) {
			largest = cycle
		}
	}
	return largest
}

// inside returns the references between files, those by the fewest names first:
// they are the ones that are moved most easily.
func inside(files []string, needs map[need][]string) []string {
	var found []need
	for n := range needs {
		if slices.Contains(files, n.from) && slices.Contains(files, n.to) {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b need) int {
		return cmp.Or(cmp.Compare(len(needs[a]), len(needs[b])), strings.Compare(a.from, b.from), strings.Compare(a.to, b.to))
	})
	var lines []string
	for _, n := range found {
		names := slices.Sorted(slices.Values(needs[n]))
		lines = append(lines, n.from+" → "+n.to+": "+strings.Join(names, ", "))
	}
	return lines
}

func TestLargestCycle(t *testing.T) {
	needs := make(map[need][]string)
	for n := range strings.FieldsSeq("a>b b>c c>a c>d d>e e>d f>a") {
		from, to, _ := strings.Cut(n, ">")
		needs[need{from, to}] = []string{"name"}
	}
	files := strings.Fields("a b c d e f")
	if got := largestCycle(files, needs); !slices.Equal(got, files[:3]) {
		t.Errorf("the largest cycle is %v, want a, b and c", got)
	}
	delete(needs, need{"c", "a"})
	if got := largestCycle(files, needs); !slices.Equal(got, files[3:5]) {
		t.Errorf("the largest cycle is %v, want d and e", got)
	}
	delete(needs, need{"e", "d"})
	if got := largestCycle(files, needs); len(got) != 0 {
		t.Errorf("the largest cycle is %v, and there is none", got)
	}
}
