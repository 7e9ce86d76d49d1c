package postgres

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	_ "github.com/concurrent-go/concurrent/drivers/postgres"
	"github.com/concurrent-go/concurrent/drivertest"
	"github.com/concurrent-go/concurrent/integration/servers"
)

var schemas atomic.Int64

// schema is a URL whose locks nobody else uses.
func schema(t *testing.T, server *servers.Server) *url.URL {
	t.Helper()
	u, err := url.Parse(server.URL)
	check(t, err)
	return with(u, "schema", fmt.Sprintf("s%d", schemas.Add(1)))
}

// with is u with a parameter.
func with(u *url.URL, name, value string) *url.URL {
	changed := *u
	query := changed.Query()
	query.Set(name, value)
	changed.RawQuery = query.Encode()
	return &changed
}

// openRegistered opens a store as programs do.
func openRegistered(ctx context.Context, u *url.URL) (driver.Store, error) {
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{"it": {URL: u.String()}}); err != nil {
		return nil, err
	}
	return r.Store(ctx, "it")
}

// sameProcess opens stores that share their sessions, as those of one process
// do.
func sameProcess(u *url.URL) func(context.Context) (driver.Store, error) {
	return func(ctx context.Context) (driver.Store, error) { return openRegistered(ctx, u) }
}

// asOtherProcesses opens stores that share nothing here, as those of different
// processes: their URLs differ.
func asOtherProcesses(u *url.URL) func(context.Context) (driver.Store, error) {
	var opened atomic.Int64
	return func(ctx context.Context) (driver.Store, error) {
		return openRegistered(ctx, with(u, "application_name", fmt.Sprint("process ", opened.Add(1))))
	}
}

// roomy starts a server with room for the sessions of many stores.
func roomy(t *testing.T, version string) *servers.Server {
	t.Helper()
	return servers.NewPostgres(t, version, servers.Args("-c", "max_connections=300", "-c", "max_locks_per_transaction=32"))
}

func harness(
	cycles int, server *servers.Server,
	backend func(*testing.T) func(context.Context) (driver.Store, error),
	stores func(*url.URL) func(context.Context) (driver.Store, error),
) drivertest.Harness {
	if testing.Short() {
		cycles = 500
	}
	return drivertest.Harness{
		Lease: 2 * time.Second, Patience: 30 * time.Second, Cycles: cycles, Backend: backend,
		Late: func(t *testing.T) drivertest.LateBackend { return late(t, server, stores) },
	}
}

// late is a backend behind a link of its own, which holds back whatever is sent next.
func late(t *testing.T, server *servers.Server, stores func(*url.URL) func(context.Context) (driver.Store, error)) drivertest.LateBackend {
	t.Helper()
	l := server.Link(t)
	u := schema(t, server)
	u.Host = l.Addr
	return drivertest.LateBackend{Open: stores(u), Hold: func() func() bool { return l.HoldNext("") }}
}

// The suite, on each version that can be had, within one process.
func TestConformance(t *testing.T) {
	for _, version := range servers.Versions(t, "postgres") {
		t.Run(version, func(t *testing.T) {
			server := roomy(t, version)
			h := harness(10_000, server, func(t *testing.T) func(context.Context) (driver.Store, error) {
				return sameProcess(schema(t, server))
			}, sameProcess)
			h.NamesHolder = true // what this process holds it knows; others' it would have to ask for
			drivertest.Run(t, h)
		})
	}
}

// The suite, with every store as far from the others as if it were another
// process's. An owner that asks again is the same to the process that it asked
// first, and to no other: that one promise is about one process.
func TestConformanceBetweenProcesses(t *testing.T) {
	for _, version := range servers.Versions(t, "postgres") {
		t.Run(version, func(t *testing.T) {
			server := roomy(t, version)
			// One goroutine's cycles are the same as within a process.
			drivertest.Run(t, harness(500, server, func(t *testing.T) func(context.Context) (driver.Store, error) {
				if strings.Contains(t.Name(), "asking_again_through_another_store") {
					t.Log("the stores of this case are one process's")
					return sameProcess(schema(t, server))
				}
				return asOtherProcesses(schema(t, server))
			}, asOtherProcesses))
		})
	}
}
