package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/bench/result"
)

// A column of a table.
type column struct {
	name string
	of   func(r *result.Result) string
}

func metric(name, unit, format string) column {
	return column{name, func(r *result.Result) string {
		v, ok := r.Median(unit)
		if !ok {
			return ""
		}
		return fmt.Sprintf(format, v)
	}}
}

// interval is a metric with the interval that has its median in it.
func interval(name, unit string) column {
	return column{name, func(r *result.Result) string {
		v, ok := r.Median(unit)
		if !ok {
			return ""
		}
		low, high := r.Interval(unit)
		return fmt.Sprintf("%s (%s–%s)", short(v), short(low), short(high))
	}}
}

func latency(name, percentile string) column {
	return column{name, func(r *result.Result) string {
		v, ok := r.Latency[percentile]
		if !ok {
			return ""
		}
		return duration(v)
	}}
}

// short is a number with three digits.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3g M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.3g k", v/1e3)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// duration is a number of microseconds.
func duration(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.3g s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.3g ms", us/1e3)
	case us >= 1:
		return fmt.Sprintf("%.3g µs", us)
	}
	return fmt.Sprintf("%.0f ns", us*1e3)
}

var (
	times = []column{latency("p50", "50"), latency("p99", "99"), latency("p99.9", "99.9"), latency("max", "100")}
	costs = []column{
		metric("client CPU µs", "client-cpu-µs/op", "%.3g"), metric("server CPU µs", "server-cpu-µs/op", "%.3g"),
		metric("sends", "sends/op", "%.2f"), metric("commands", "commands/op", "%.2f"), metric("B", "B/op", "%.0f"), metric("allocs", "allocs/op", "%.0f"),
		metric("connections", "connections", "%.0f"),
	}
	fairness = metric("most/least", "most/least", "%.2f")
	stranded = column{"stranded", func(r *result.Result) string {
		if v := r.Sum("stranded"); v > 0 {
			return fmt.Sprintf("%.0f", v)
		}
		return ""
	}}
)

// columns are those of a workload.
func columns(workload string) []column {
	rate := interval("a second", "ops/s")
	switch workload {
	case "pair":
		return slices.Concat([]column{rate}, times, costs)
	case "hot key":
		return slices.Concat([]column{rate}, times, []column{fairness, stranded}, costs)
	case "hot key, two processes":
		return slices.Concat([]column{rate}, times, []column{metric("turns of the second", "turns/s", "%.0f"), stranded}, costs[:4])
	case "processes":
		return slices.Concat([]column{rate}, times, []column{fairness}, costs[:4])
	case "many waiters":
		return slices.Concat([]column{rate}, times, []column{stranded}, costs[:4])
	case "skewed keys":
		return slices.Concat(times, []column{stranded}, costs[:4])
	case "held":
		return []column{
			metric("B a lock", "B/lock", "%.0f"), metric("goroutines a lock", "goroutines/lock", "%.2f"),
			metric("client % of a core", "client-%core", "%.3g"), metric("server % of a core", "server-%core", "%.3g"),
			metric("sends a second", "sends/s", "%.3g"), metric("connections", "open-connections", "%.0f"),
		}
	}
	return times[:1:1]
}

// contenders are who did a workload on a store, in their order.
func contenders(run *result.Run, workload, store string) []string {
	var all []string
	for _, r := range run.Results {
		if r.Workload == workload && r.Store == store && !slices.Contains(all, r.Contender) {
			all = append(all, r.Contender)
		}
	}
	return all
}

// table is what a workload measured on a store.
func table(run *result.Run, workload, store string) string {
	var b strings.Builder
	all := columns(workload)
	b.WriteString("| | |")
	for _, c := range all {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(all)) + "\n")
	last, rows := "", 0
	for _, r := range run.Results {
		if r.Workload != workload || r.Store != store {
			continue
		}
		variant := r.Variant
		if variant == last {
			variant = ""
		}
		last = r.Variant
		fmt.Fprintf(&b, "| %s | %s |", variant, r.Contender)
		for _, c := range all {
			b.WriteString(" " + c.of(&r) + " |")
		}
		b.WriteString("\n")
		rows++
	}
	if rows == 0 {
		return ""
	}
	return b.String()
}
