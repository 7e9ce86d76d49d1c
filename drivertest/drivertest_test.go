package drivertest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/drivertest"
)

var names atomic.Int64

// backend opens memory stores of one name, changed by mutate.
func backend(mutate func(*mutant)) func(*testing.T) func(context.Context) (driver.Store, error) {
	return func(*testing.T) func(context.Context) (driver.Store, error) {
		url := fmt.Sprintf("memory://drivertest-%d", names.Add(1))
		return func(ctx context.Context) (driver.Store, error) {
			r := concurrent.NewRegistry()
			if err := r.Configure(concurrent.Aliases{"it": {URL: url}}); err != nil {
				return nil, err
			}
			st, err := r.Store(ctx, "it")
			if err != nil {
				return nil, err
			}
			m := &mutant{Store: st.(*memory.Store)}
			mutate(m)
			return m, nil
		}
	}
}

func harness(mutate func(*mutant)) drivertest.Harness {
	return drivertest.Harness{Bubble: true, NamesHolder: true, Backend: backend(mutate), Cycles: 1_000, Waiters: 100}
}

// A mutant that changes nothing passes: what the others fail is their own.
func TestTheSuitePasses(t *testing.T) {
	drivertest.Run(t, harness(func(*mutant) {}))
}

// So does one without tokens, whose leases may be passed on all the same.
func TestTheSuitePassesWithoutTokens(t *testing.T) {
	drivertest.Run(t, harness(func(m *mutant) {
		without := func(g driver.Grant, err error) (driver.Grant, error) {
			g.Token = 0
			return g, err
		}
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			return without(m.Store.TryAcquire(ctx, r))
		}
		m.acquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			return without(m.Store.Acquire(ctx, r))
		}
		m.inspect = func(ctx context.Context, key string) (driver.Info, error) {
			info, err := m.Store.Inspect(ctx, key)
			for i := range info.Holders {
				info.Holders[i].Token = 0
			}
			return info, err
		}
		m.features = func() driver.Features {
			f := m.Store.Features()
			f.Fencing = false
			return f
		}
	}))
}

const mutantEnv = "DRIVERTEST_MUTANT"

// TestMutant runs the suite on one mutant, in a process of its own.
func TestMutant(t *testing.T) {
	m, ok := suspects()[os.Getenv(mutantEnv)]
	if !ok {
		t.Skip("TestMutants runs it with one of the mutants")
	}
	drivertest.Run(t, m.harness)
}

// A suspect is a driver in a harness, and the promise that it breaks.
type suspect struct {
	topic, promise string
	harness        drivertest.Harness
}

// suspects returns all of them, by what they do.
func suspects() map[string]suspect {
	all := make(map[string]suspect)
	for _, some := range []map[string]mutation{mutants, modeMutants, waitMutants, grantMutants} {
		for name, m := range some {
			all[name] = suspect{m.topic, m.promise, harness(m.mutate)}
		}
	}
	for name, m := range lateMutants {
		all[name] = suspect{"late", m.promise, lateHarness(m.manners)}
	}
	return all
}

// Every mutant fails the case that is about the promise it breaks, which is
// printed.
func TestMutants(t *testing.T) {
	t.Parallel()
	for name, m := range suspects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := "TestMutant/" + m.topic + "/" + strings.ReplaceAll(m.promise, " ", "_")
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", pattern(test), "-test.timeout", "1m")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes a driver that %s:\n%s", name, out)
			}
			for _, want := range []string{"--- FAIL: " + test, "broken: " + m.promise} {
				if !strings.Contains(string(out), want) {
					t.Errorf("the output of the suite on a driver that %s has no %q:\n%s", name, want, out)
				}
			}
		})
	}
}

// pattern matches one subtest.
func pattern(test string) string {
	parts := strings.Split(test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}
