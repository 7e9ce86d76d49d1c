package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A reading is what this machine and this process have used so far.
type reading struct {
	usage
	at      time.Time
	machine time.Duration // processor time of everybody
	mallocs uint64
	bytes   uint64
}

// A usage is what a process has used.
type usage struct {
	CPU    time.Duration // processor time, and of those it waited for
	Writes int64         // calls that write, which each send something to a server
}

func (u usage) minus(before usage) usage {
	return usage{u.CPU - before.CPU, u.Writes - before.Writes}
}

// used is what this process has used so far.
func used() (usage, error) {
	cpu, err := processorTime()
	if err != nil {
		return usage{}, err
	}
	n, err := writes()
	return usage{cpu, n}, err
}

func read(t testing.TB) reading {
	t.Helper()
	u, err := used()
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return reading{
		usage: u, at: time.Now(), machine: machineTime(t),
		mallocs: m.Mallocs, bytes: m.TotalAlloc,
	}
}

// since tells what was used since, for each of n operations. What the rest of
// the machine used is the server's, as far as nothing else runs.
func (r reading) since(t testing.TB, n int) map[string]float64 {
	t.Helper()
	now, ops := read(t), float64(max(n, 1))
	client := now.minus(r.usage)
	return map[string]float64{
		"ops/s":            float64(n) / now.at.Sub(r.at).Seconds(),
		"client-cpu-µs/op": micros(client.CPU) / ops,
		"server-cpu-µs/op": micros(max(0, now.machine-r.machine-client.CPU)) / ops,
		"sends/op":         float64(client.Writes) / ops,
		"allocs/op":        float64(now.mallocs-r.mallocs) / ops,
		"B/op":             float64(now.bytes-r.bytes) / ops,
		"goroutines":       float64(runtime.NumGoroutine()),
		"connections":      float64(connections(t)),
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func processorTime() (time.Duration, error) {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, err
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum, nil
}

// tickLength is USER_HZ: proc_stat(5) counts in hundredths of a second.
const tickLength = 10 * time.Millisecond

// machineTime is what all processes have used, from /proc/stat.
func machineTime(t testing.TB) time.Duration {
	t.Helper()
	line, _, _ := bytes.Cut(file(t, "/proc/stat"), []byte("\n"))
	var busy time.Duration
	for i, field := range strings.Fields(string(line))[1:] {
		if i == 3 || i == 4 || i >= 7 { // idle, iowait; stolen and guests' time is not ours
			continue
		}
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		busy += time.Duration(n) * tickLength
	}
	return busy
}

// writes is how often this process has called the kernel to write something.
func writes() (int64, error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, notLinux(err)
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "syscw: "); ok {
			return strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		}
	}
	return 0, errors.New("/proc/self/io has no syscw")
}

// connections is how many sockets this process has.
func connections(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, fd := range all {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

func file(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(notLinux(err))
	}
	return text
}

func notLinux(err error) error { return fmt.Errorf("the suite measures on Linux: %w", err) }

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
