package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	storeEnv     = "CONCURRENT_BENCH_STORE"
	contenderEnv = "CONCURRENT_BENCH_CONTENDER"
	urlEnv       = "CONCURRENT_BENCH_URL"
	keyEnv       = "CONCURRENT_BENCH_KEY"
)

// A turn is one section of a process, on the clock that all processes of a
// machine share: when it asked, when it had the lock, when it began to release.
type turn struct{ Asked, Got, Gave int64 }

// now reads CLOCK_MONOTONIC, in nanoseconds.
func now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // every kernel has it
	}
	return t.Nano()
}

// takeTurns is what a process does: it takes the key and gives it back, from when
// its input says so until that ends, and then tells its turns.
func takeTurns() error {
	take, err := takers[os.Getenv(storeEnv)][os.Getenv(contenderEnv)](os.Getenv(urlEnv), os.Getenv(keyEnv))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		stop()
	}()
	var turns []turn
	for ctx.Err() == nil {
		asked := now()
		release, err := take(ctx)
		if err != nil {
			break
		}
		t := turn{asked, now(), now()}
		if err := release(); err != nil && ctx.Err() == nil {
			return err
		}
		turns = append(turns, t)
	}
	return json.NewEncoder(os.Stdout).Encode(turns)
}

// A crowd is processes that take turns on one key.
type crowd struct {
	b     *testing.B
	procs []*exec.Cmd
	ins   []io.WriteCloser
	outs  []*bufio.Reader
}

func gather(b *testing.B, store, contender, url, key string, n int) *crowd {
	b.Helper()
	c := &crowd{b: b}
	b.Cleanup(func() {
		for _, p := range c.procs {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	for range n {
		p := exec.Command(os.Args[0])
		p.Env = append(os.Environ(), storeEnv+"="+store, contenderEnv+"="+contender, urlEnv+"="+url, keyEnv+"="+key)
		p.Stderr = os.Stderr
		in, err := p.StdinPipe()
		out, err2 := p.StdoutPipe()
		if err := cmp.Or(err, err2, p.Start()); err != nil {
			b.Fatal(err)
		}
		c.procs, c.ins, c.outs = append(c.procs, p), append(c.ins, in), append(c.outs, bufio.NewReader(out))
	}
	for _, out := range c.outs {
		if _, err := out.ReadString('\n'); err != nil {
			b.Fatal(errors.Join(errors.New("a process is not ready"), err))
		}
	}
	return c
}

// during has them take turns for as long as f takes, and returns each one's.
func (c *crowd) during(f func()) [][]turn {
	c.b.Helper()
	for _, in := range c.ins {
		if _, err := in.Write([]byte{'\n'}); err != nil {
			c.b.Fatal(err)
		}
	}
	f()
	for _, in := range c.ins {
		_ = in.Close()
	}
	all := make([][]turn, len(c.outs))
	for i, out := range c.outs {
		if err := json.NewDecoder(out).Decode(&all[i]); err != nil {
			c.b.Fatal(err)
		}
	}
	return all
}

// handOvers returns how long it took from a process that released to another that
// had the key next, sorted.
func handOvers(all [][]turn) []float64 {
	type one struct {
		turn
		process int
	}
	var line []one
	for i, turns := range all {
		for _, t := range turns {
			line = append(line, one{t, i})
		}
	}
	slices.SortFunc(line, func(a, b one) int { return cmp.Compare(a.Got, b.Got) })
	var took []float64
	for i := 1; i < len(line); i++ {
		if line[i].process != line[i-1].process {
			took = append(took, float64(line[i].Got-line[i-1].Gave)/1e3)
		}
	}
	slices.Sort(took)
	return took
}

// unevenness returns how often the busiest process had its turn for each of the least
// busy's.
func unevenness(all [][]turn) float64 {
	counts := make([]int, len(all))
	for i, turns := range all {
		counts[i] = len(turns)
	}
	return float64(slices.Max(counts)) / float64(max(1, slices.Min(counts)))
}

func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func pass(d time.Duration) func() { return func() { <-time.After(d) } }
