package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/bench/result"
)

// sections are the workloads, in the order of the page.
var sections = []struct{ workload, title, text string }{
	{"pair", "A lock that nobody else wants", "Each goroutine takes and gives back a key of its own. What is timed is both. With \"away\" a proxy adds that much to each request's way to the server."},
	{"hot key", "One key, one process", "Goroutines of one process want one key and have a microsecond of work with it. What is timed is from asking for it to having it: with n goroutines that is about n sections."},
	{"hot key, two processes", "One key, one process and another", "As before, and a second process takes the key and gives it back again and again. \"a second\" is the sections of the first; what is timed is from the second's asking for it to having it."},
	{"processes", "One key, several processes", "Each process takes the key and gives it back, again and again. What is timed is from one's beginning to give it back to another's having it. \"most/least\" is the turns of the process that had most, beside the one that had least."},
	{"many waiters", "A thousand waiters", "A thousand goroutines of one process wait for one key, and each gives it on. What is timed is from giving to having. \"commands\" has those with which they began to wait, besides."},
	{"skewed keys", "Requests that come when they come", "500 requests a second (Poisson) for 1,000 keys (Zipf, s = 1.1), each with a millisecond of work. An open loop: what is timed is from when a request was due to its having the lock."},
	{"held", "Locks that are held", "Kept alive with leases of 30 s."},
	{"recovery", "A holder that is killed", "SIGKILL, while another process waits. Leases are 2 s. The median of the kills."},
}

var storeNames = [][2]string{{"memory", "In memory"}, {"file", "In files"}, {"redis", "Redis"}, {"postgres", "PostgreSQL"}}

const method = `Made by ` + "`bench/report`" + ` of ` + "`bench/results`" + `; do not edit.

On every store all contenders take turns, round by round, each first in turn, so that a
busy machine slows all of them alike. Each had a round before that does not count. "a
second" is the median of the rounds, and the interval in brackets has the true median in it
with 95 % (order statistics). Percentiles are of all rounds' operations together
(HdrHistogram, three digits). But for "requests that come when they come", loops are
closed: who waits asks for nothing else meanwhile, so that a pause counts once, and
latencies are not corrected for coordinated omission.

"client CPU" is the processor time of the process with the locks, for each operation, or of
all of them together where there are several; "server CPU" is what the rest of the machine
used meanwhile; "sends" are the clients' calls to the kernel that write, so about the round
trips to the server; "B" and "allocs" are what the process allocated.

"commands" are those that the server carried out for each operation, by its own count. A
script counts as one, and each command that it calls as one more, as INFO commandstats has
it; on PostgreSQL it is each statement, and each one that a function carries out, as
pg_stat_statements has it. PostgreSQL counts in a round of its own, which is not measured;
the others pay for no more than a number that each statement gets when it is parsed. A
server of yours is not changed for this: it tells what it counts anyway, which has what
others ask it, too, or the cell is empty.

Servers are on the same machine, on loopback: they and their clients share its
cores, so that the figures tell contenders apart, not how fast a server of yours is.
` + "`make bench URL=…`" + ` tells what a lock costs there.

"stranded" are those who waited and were not woken within three seconds of a round's end
(20 s, of a thousand waiters); they count nowhere else. A recovery that takes longer than
15 s counts as that.

Floors do what no lock can do less of. "go-redis by hand" is SET NX PX and a script that
compares and deletes; "pgx by hand" is pg_try_advisory_lock and pg_advisory_unlock on a
pool of 64 connections: neither has tokens, waiting or renewal, nor a look at what was
lost.
`

// page is docs/performance.md.
func page(run *result.Run) string {
	var b strings.Builder
	b.WriteString("# Performance\n\n" + method + "\n" + provenance(run))
	b.WriteString("\n## Promised and measured\n\n" + promised(run))
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.title, s.text)
		for _, f := range figures {
			if f.workload == s.workload && len(contenders(run, f.workload, f.store)) > 0 {
				fmt.Fprintf(&b, "\n![%s](performance/%s.svg)\n", f.title, f.file)
			}
		}
		if s.workload == "held" || s.workload == "recovery" {
			fmt.Fprintf(&b, "\n![%s](performance/%s.svg)\n", s.title, s.workload)
		}
		for _, name := range storeNames {
			if t := table(run, s.workload, name[0]); t != "" {
				fmt.Fprintf(&b, "\n### %s: %s\n\n%s", name[1], strings.ToLower(s.title[:1])+s.title[1:], t)
			}
		}
	}
	return b.String()
}

// provenance says with what, where and when it was measured.
func provenance(run *result.Run) string {
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(run.Versions)) {
		versions = append(versions, name+" "+run.Versions[name])
	}
	return fmt.Sprintf("`%s`, %s, %s. Versions: %s.\n", run.Command, run.Date, run.Machine, strings.Join(versions, ", "))
}

// summary is the README's part.
func summary(run *result.Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "`%s`, on %s, %s; [docs/performance.md](docs/performance.md) has the rest, the method, and where\nthis library is behind.\n\n",
		run.Command, run.Machine, run.Date)
	b.WriteString("| | here | beside |\n|---|---|---|\n")
	for _, row := range []struct{ workload, variant, store, what string }{
		{"pair", "1 goroutine", "memory", "in memory: Acquire and Release"},
		{"pair", "1 goroutine", "file", "files: Acquire and Release"},
		{"pair", "1 goroutine", "redis", "Redis: Acquire and Release, 1 goroutine"},
		{"pair", "64 goroutines", "redis", "Redis: 64 goroutines, a key each"},
		{"hot key", "16 goroutines", "redis", "Redis: 16 goroutines, one key"},
		{"pair", "1 goroutine", "postgres", "PostgreSQL: Acquire and Release, 1 goroutine"},
		{"pair", "64 goroutines", "postgres", "PostgreSQL: 64 goroutines, a key each"},
	} {
		var beside []string
		for _, by := range contenders(run, row.workload, row.store) {
			if v := rate(run, row.workload, row.variant, row.store, by); by != ours && v > 0 {
				beside = append(beside, by+" "+short(v))
			}
		}
		if v := rate(run, row.workload, row.variant, row.store, ours); v > 0 {
			fmt.Fprintf(&b, "| %s, a second | %s | %s |\n", row.what, short(v), strings.Join(beside, ", "))
		}
	}
	b.WriteString("\n![throughput on Redis](docs/performance/throughput-redis.svg)\n\n![hand-over on Redis](docs/performance/handover-redis.svg)\n")
	return b.String()
}
