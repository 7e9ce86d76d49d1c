package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/bench/result"
)

// A goal is a figure that was promised.
type goal struct {
	what  string
	limit float64
	least bool // the limit is the least, not the most
	unit  string
	of    func(run *result.Run) float64 // NaN: not measured
	why   string                        // where it is not reached
}

const ours = "concurrent"

// unfenced is ours on PostgreSQL with fencing=off.
const unfenced = "concurrent fencing=off"

// rate is how many a second a contender did, NaN if it was not measured.
func rate(run *result.Run, workload, variant, store, by string) float64 {
	r := run.Find(workload, variant, store, by)
	if r == nil {
		return math.NaN()
	}
	v, ok := r.Median("ops/s")
	if !ok {
		return math.NaN()
	}
	return v
}

// best is the largest rate of some.
func best(run *result.Run, workload, variant, store string, by ...string) float64 {
	var rates []float64
	for _, name := range by {
		rates = append(rates, rate(run, workload, variant, store, name))
	}
	return slices.Max(rates)
}

func p50(run *result.Run, variant, store, by string) float64 {
	if r := run.Find("processes", variant, store, by); r != nil {
		return r.Latency["50"]
	}
	return math.NaN()
}

// handOver is the median time from one process to another, and handOverBeside how many
// times as long as another's it is.
func handOver(variant, store, by string) func(*result.Run) float64 {
	return func(run *result.Run) float64 { return p50(run, variant, store, by) }
}

func handOverBeside(variant, store, by, other string) func(*result.Run) float64 {
	return func(run *result.Run) float64 { return p50(run, variant, store, by) / p50(run, variant, store, other) }
}

func value(run *result.Run, workload, variant, store, by, unit string) float64 {
	if r := run.Find(workload, variant, store, by); r != nil {
		if v, ok := r.Median(unit); ok {
			return v
		}
	}
	return math.NaN()
}

// timesOf is how many times as long as another's an operation of ours takes, and
// as fast how many times as many it does.
func timesOf(workload, variant, store, by, other string) func(*result.Run) float64 {
	return func(run *result.Run) float64 {
		return rate(run, workload, variant, store, other) / rate(run, workload, variant, store, by)
	}
}

func asFastAs(workload, variant, store, by string, others ...string) func(*result.Run) float64 {
	return func(run *result.Run) float64 {
		return rate(run, workload, variant, store, by) / best(run, workload, variant, store, others...)
	}
}

const behind = "redislock behind a mutex"

var peers = []string{"redsync", "redislock", "rueidislock"}

const (
	locker  = "moby/locker"
	local   = "concurrent Local"
	blocked = "blocked backend"
)

var goals = []goal{
	{
		"Memory, 1 goroutine: time of a pair, beside moby/locker", 5, false, "×",
		timesOf("pair", "1 goroutine", "memory", ours, locker), "",
	},
	{
		"Memory, 1 goroutine: allocations of a pair, with one of the suite's", 4, false, "",
		func(run *result.Run) float64 { return value(run, "pair", "1 goroutine", "memory", ours, "allocs/op") }, "",
	},
	{
		"Local, 1 goroutine: time of a pair, beside moby/locker", 3, false, "×",
		timesOf("pair", "1 goroutine", "memory", local, locker), "",
	},
	{
		"Memory, 16 goroutines on one key, waiting: time of a section, beside moby/locker", 3, false, "×",
		timesOf("hot key", "16 goroutines", "memory", ours, locker),
		"first come, first served costs a switch of goroutines for each section",
	},
	{
		"Memory, 1,000,000 locks kept alive: memory of a lock, with its store", 800, false, " B",
		func(run *result.Run) float64 { return value(run, "held", "1000000 locks", "memory", ours, "B/lock") }, "",
	},
	{
		"Memory, 1,000,000 locks kept alive: processor time", 10, false, " % of a core",
		func(run *result.Run) float64 {
			return value(run, "held", "1000000 locks", "memory", ours, "client-%core")
		},
		"750 MB are looked at that were not for ten seconds: what that takes is the machine's memory's (7 % on another of two cores, 2026-11-24)",
	},
	{
		"Files, 1 goroutine: time of a pair, beside gofrs/flock", 40, false, "×",
		timesOf("pair", "1 goroutine", "file", ours, "gofrs/flock"), "",
	},
	{
		"Redis, 1 goroutine: time of a pair, beside go-redis by hand", 1.15, false, "×",
		timesOf("pair", "1 goroutine", "redis", ours, "go-redis by hand"),
		"the scripts make a token, keep the queue and wake waiters, which counts for more where a core is slow to wake (1.08× on two cores of AMD EPYC, 2026-11-27)",
	},
	{
		"Redis, 64 goroutines: pairs, beside the best peer", 1.4, true, "×",
		asFastAs("pair", "64 goroutines", "redis", ours, peers...),
		"rueidislock shares round trips as well; what is left is the server's time for the scripts, which runs of many keys share in part (1.61× on two cores of AMD EPYC, 2026-11-27)",
	},
	{
		"Redis, 512 goroutines: pairs, beside the best peer", 2, true, "×",
		asFastAs("pair", "512 goroutines", "redis", ours, peers...),
		"the server is the limit: each pair is a GET and a SET, twice, from a script, and two cores are shared with the client (2.39× on two cores of AMD EPYC, 2026-11-27)",
	},
	{
		"Redis, 2 processes: median hand-over, beside rueidislock", 1, false, "×",
		handOverBeside("2 processes", "redis", ours, "rueidislock"),
		"",
	},
	{
		"Redis, 50 processes: median hand-over", 400, false, " µs",
		handOver("50 processes", "redis", ours),
		"two cores are shared by 50 processes and the server",
	},
	{
		"Redis, 50 processes: most turns of a process, beside the least", 1.2, false, "×",
		func(run *result.Run) float64 {
			return value(run, "processes", "50 processes", "redis", ours, "most/least")
		},
		"two cores are shared by 50 processes: one that is late to ask again comes behind those who asked meanwhile",
	},
	{
		"Redis, 16 goroutines on one key: sections, beside the best peer", 20, true, "×",
		asFastAs("hot key", "16 goroutines", "redis", ours, peers...), "",
	},
	{
		"Redis, 16 goroutines on one key: sections, beside redislock behind a mutex", 0.5, true, "×",
		asFastAs("hot key", "16 goroutines", "redis", ours, behind), "",
	},
	{
		"Redis, 16 goroutines on one key: longest wait of a second process", 50, false, " ms",
		func(run *result.Run) float64 {
			if r := run.Find("hot key, two processes", "16 goroutines", "redis", ours); r != nil {
				return r.Latency["100"] / 1000
			}
			return math.NaN()
		}, "",
	},
	{
		"Redis, 100,000 locks kept alive: memory of a lock", 1024, false, " B",
		func(run *result.Run) float64 { return value(run, "held", "100000 locks", "redis", ours, "B/lock") }, "",
	},
	{
		"Redis, 100,000 locks kept alive: processor time", 15, false, " % of a core",
		func(run *result.Run) float64 {
			return value(run, "held", "100000 locks", "redis", ours, "client-%core")
		}, "",
	},
	{
		"PostgreSQL, 1 goroutine, no tokens: time of a pair, beside pgx by hand", 1.3, false, "×",
		timesOf("pair", "1 goroutine", "postgres", unfenced, "pgx by hand"),
		"a release looks for waiters",
	},
	{
		"PostgreSQL, 64 goroutines, tokens: pairs, beside a pool of 64 by hand without", 2, true, "×",
		asFastAs("pair", "64 goroutines", "postgres", ours, "pgx by hand"),
		"each batch waits for a flush of the write-ahead log, and 64 goroutines fill small batches (2.12× on two cores of AMD EPYC, 2026-11-27)",
	},
	{
		"PostgreSQL, 512 goroutines, tokens: pairs, beside a pool of 64 by hand without", 4, true, "×",
		asFastAs("pair", "512 goroutines", "postgres", ours, "pgx by hand"), "batches are as large as what comes in during a flush (5.16× on two cores of AMD EPYC, 2026-11-27)",
	},
	{
		"PostgreSQL, 2 processes, no tokens: median hand-over, beside a blocked backend", 1.6, false, "×",
		handOverBeside("2 processes", "postgres", unfenced, blocked),
		"what was waited for is confirmed, so that a frozen process keeps nothing for long: a third request beside two, and all processes share two cores",
	},
	{
		"PostgreSQL, 2 processes, tokens: median hand-over, beside a blocked backend without", 1.6, false, "×",
		handOverBeside("2 processes", "postgres", ours, blocked),
		"the token is flushed to the write-ahead log before it is given, which alone takes longer than a blocked backend's whole hand-over",
	},
	{
		"PostgreSQL, 16 processes, no tokens: median hand-over", 1000, false, " µs",
		handOver("16 processes", "postgres", unfenced), "",
	},
	{
		"PostgreSQL, 16 processes, tokens: median hand-over", 1000, false, " µs",
		handOver("16 processes", "postgres", ours),
		"each token waits for a flush of the write-ahead log, beside the work of 16 processes on two cores",
	},
}

// reached says whether a value is on the right side of the limit.
func (g *goal) reached(v float64) bool {
	if g.least {
		return v >= g.limit
	}
	return v <= g.limit
}

// promised is the table of goals.
func promised(run *result.Run) string {
	var b strings.Builder
	b.WriteString("| | promised | measured | |\n|---|---|---|---|\n")
	for i := range goals {
		g := &goals[i]
		v := g.of(run)
		if math.IsNaN(v) {
			continue
		}
		limit, verdict := "at most ", "reached"
		if g.least {
			limit = "at least "
		}
		if !g.reached(v) {
			verdict = "**not reached**"
			if g.why != "" {
				verdict += ": " + g.why
			}
		}
		fmt.Fprintf(&b, "| %s | %s%s%s | %s%s | %s |\n", g.what, limit, short(g.limit), g.unit, short(v), g.unit, verdict)
	}
	return b.String()
}
