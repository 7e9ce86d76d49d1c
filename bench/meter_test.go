package bench

import (
	"bytes"
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
	at      time.Time
	client  time.Duration // processor time of this process and those it waited for
	machine time.Duration // processor time of everybody
	writes  int64         // calls that write, which each send something to a server
	mallocs uint64
	bytes   uint64
}

func read(t testing.TB) reading {
	t.Helper()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return reading{
		at: time.Now(), client: processorTime(t), machine: machineTime(t), writes: writes(t),
		mallocs: m.Mallocs, bytes: m.TotalAlloc,
	}
}

// since tells what was used since, for each of n operations. What the rest of
// the machine used is the server's, as far as nothing else runs.
func (r reading) since(t testing.TB, n int) map[string]float64 {
	t.Helper()
	now, ops := read(t), float64(max(n, 1))
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / ops }
	client := now.client - r.client
	return map[string]float64{
		"ops/s":            float64(n) / now.at.Sub(r.at).Seconds(),
		"client-cpu-µs/op": micros(client),
		"server-cpu-µs/op": micros(max(0, now.machine-r.machine-client)),
		"sends/op":         float64(now.writes-r.writes) / ops,
		"allocs/op":        float64(now.mallocs-r.mallocs) / ops,
		"B/op":             float64(now.bytes-r.bytes) / ops,
		"goroutines":       float64(runtime.NumGoroutine()),
		"connections":      float64(connections(t)),
	}
}

func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
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
func writes(t testing.TB) int64 {
	t.Helper()
	for line := range strings.Lines(string(file(t, "/proc/self/io"))) {
		if n, ok := strings.CutPrefix(line, "syscw: "); ok {
			v, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatal("/proc/self/io has no syscw")
	return 0
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
		t.Fatal(fmt.Errorf("the suite measures on Linux: %w", err))
	}
	return text
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
