//go:build unix

package file

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	processes = 16
	rounds    = 25
)

// count adds to a number in a file, read and written apart, and writes its
// tokens down; only the lock keeps processes from losing each other's work.
func count(s driver.Store) error {
	dir := os.Getenv(dirVar)
	number, tokens := filepath.Join(dir, "..", "number"), filepath.Join(dir, "..", "tokens")
	for range rounds {
		r := request("count", time.Minute)
		g, err := s.(driver.Waiter).Acquire(context.Background(), r)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(number)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(b))
		if err != nil {
			return err
		}
		f, err := os.OpenFile(tokens, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		fmt.Fprintln(f, g.Token)
		if err := f.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(number, []byte(strconv.Itoa(n+1)), 0o600); err != nil {
			return err
		}
		if err := s.Release(context.Background(), r); err != nil {
			return err
		}
	}
	return nil
}

func TestSixteenProcessesShareADirectory(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	number, tokens := filepath.Join(dir, "..", "number"), filepath.Join(dir, "..", "tokens")
	if err := os.WriteFile(number, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ps []*process
	for range processes {
		ps = append(ps, start(t, countPart, dir))
	}
	for _, p := range ps {
		p.end()
	}
	b, err := os.ReadFile(number)
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(processes * rounds); string(b) != want {
		t.Errorf("counted to %s, want %s: two held the lock at once", b, want)
	}
	if b, err = os.ReadFile(tokens); err != nil {
		t.Fatal(err)
	}
	var last uint64
	for line := range strings.Lines(string(b)) {
		n, err := strconv.ParseUint(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if n <= last {
			t.Errorf("token %d after %d", n, last)
		}
		last = n
	}
}

// churn holds one key for good and changes others without end.
func churn(s driver.Store) error {
	ctx := context.Background()
	if _, err := s.TryAcquire(ctx, request("good", driver.Forever)); err != nil {
		return err
	}
	fmt.Println("on")
	for {
		r := request(fmt.Sprint("churn", rand.N(3)), time.Hour)
		if _, err := s.TryAcquire(ctx, r); err != nil {
			return err
		}
		if _, err := s.Extend(ctx, r); err != nil {
			return err
		}
		if rand.N(4) > 0 {
			if err := s.Release(ctx, r); err != nil {
				return err
			}
			continue
		}
		if _, err := s.(driver.Inspector).Break(ctx, r.Key); err != nil {
			return err
		}
	}
}

func TestKill9AtAnyInstantLosesNothing(t *testing.T) {
	t.Parallel()
	times := 200
	if testing.Short() {
		times = 20
	}
	dir := dirFor(t)
	s := openTest(t, dir)
	mine := request("bystander", time.Hour)
	acquire(t, s, mine)
	near := request(keyIn(shardOf("churn0")), time.Hour)
	if near.Key == "churn0" {
		t.Fatal("a neighbour is wanted")
	}
	acquire(t, s, near)
	last := map[string]uint64{}
	for range times {
		p := start(t, churnPart, dir)
		if line, err := p.out.ReadString('\n'); err != nil || line != "on\n" {
			t.Fatalf("%q, %v", line, err)
		}
		<-time.After(rand.N(3 * time.Millisecond))
		p.kill()
		for i := range shards {
			if err := s.place.shards[i].snapshot(new(image)); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"good", "churn0", "churn1", "churn2"} {
			r := request(key, time.Hour)
			g := acquire(t, s, r)
			if g.Token <= last[key] {
				t.Fatalf("token %d of %q after %d", g.Token, key, last[key])
			}
			last[key] = g.Token
			if err := s.Release(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range []driver.Request{mine, near} {
			if _, err := s.Extend(t.Context(), r); err != nil {
				t.Fatalf("bystander %q: %v", r.Key, err)
			}
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 3*shards+3+2 {
		t.Errorf("%d files after %d kills, %v", len(files), times, err)
	}
}
