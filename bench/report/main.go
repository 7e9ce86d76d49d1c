// Command report makes docs/performance.md, its plots, and the README's part on
// performance of a file of results.
//
//	go run ./report results/full.json ../docs ../README.md
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/concurrent-go/concurrent/bench/result"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: report RESULTS DOCS README")
		os.Exit(2)
	}
	if err := report(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(results, docs, readme string) error {
	run, err := result.Load(results)
	if err != nil {
		return err
	}
	pictures := filepath.Join(docs, "performance")
	if err := os.MkdirAll(pictures, 0o777); err != nil {
		return err
	}
	if err := plots(run, pictures); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "performance.md"), []byte(page(run)), 0o666); err != nil {
		return err
	}
	return splice(readme, summary(run))
}

// What is between these lines of the README is made here.
const (
	begin = "<!-- made by bench/report: begin -->\n"
	end   = "<!-- made by bench/report: end -->\n"
)

// splice puts text between the marks of a file.
func splice(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has not the lines %q and %q", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o666)
}
