package main

import (
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/bench/result"
)

// cells are those of one column in the table of a workload.
func cells(t *testing.T, run *result.Run, workload, column string) []string {
	t.Helper()
	var all []string
	at := -1
	for i, line := range strings.Split(strings.TrimSpace(table(run, workload, "redis")), "\n") {
		fields := strings.Split(line, "|")
		for j, name := range fields {
			if i == 0 && strings.TrimSpace(name) == column {
				at = j
			}
		}
		if at < 0 || at >= len(fields) {
			t.Fatalf("%s: no column %q in %q", workload, column, line)
		}
		if i > 1 {
			all = append(all, strings.TrimSpace(fields[at]))
		}
	}
	return all
}

// Results that were made before something was measured have an empty cell
// there, and nothing is moved by it.
func TestWhatWasNotMeasuredIsAnEmptyCell(t *testing.T) {
	for _, workload := range []string{"pair", "hot key", "hot key, two processes", "processes", "many waiters", "skewed keys"} {
		old := map[string]float64{"ops/s": 1, "machine-cpu-µs/op": 5}
		all := map[string]float64{"client-cpu-µs/op": 7, "server-cpu-µs/op": 8, "sends/op": 2.5, "commands/op": 4.25}
		run := &result.Run{Results: []result.Result{
			{Workload: workload, Variant: "v", Store: "redis", Contender: "old", Rounds: []map[string]float64{old}},
			{Workload: workload, Variant: "v", Store: "redis", Contender: "new", Rounds: []map[string]float64{all}},
		}}
		for column, want := range map[string]string{
			"client CPU µs": "7", "server CPU µs": "8", "sends": "2.50", "commands": "4.25",
		} {
			if got := cells(t, run, workload, column); len(got) != 2 || got[0] != "" || got[1] != want {
				t.Errorf("%s: the cells of %s are %q, want an empty one and %s", workload, column, got, want)
			}
		}
	}
}
