package redis

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	_ "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/drivertest"
	"github.com/concurrent-go/concurrent/integration/servers"
)

var databases atomic.Int64

// database is the URL of a database of a server that nobody else uses.
func database(t *testing.T, server *servers.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = fmt.Sprintf("/%d", databases.Add(1))
	return u.String()
}

// opener opens stores at a URL.
func opener(address string) func(context.Context) (driver.Store, error) {
	return func(ctx context.Context) (driver.Store, error) {
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{"it": {URL: address}}); err != nil {
			return nil, err
		}
		return r.Store(ctx, "it")
	}
}

// The suite, on each version that can be had.
func TestConformance(t *testing.T) {
	t.Parallel()
	cycles := 100_000
	if testing.Short() {
		cycles = 1_000
	}
	for i, version := range servers.Versions(t, "redis") {
		if i > 0 {
			cycles = min(cycles, 10_000) // the script that counts is the same
		}
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			server := servers.Shared(t, version)
			drivertest.Run(t, drivertest.Harness{
				Cycles:      cycles,
				NamesHolder: true,
				Backend:     func(t *testing.T) func(context.Context) (driver.Store, error) { return opener(database(t, server)) },
				Late:        func(t *testing.T) drivertest.LateBackend { return late(t, server) },
			})
		})
	}
}

// late is a backend behind a link of its own, which holds back runs of scripts: by
// these, keys are had and given back. Its stores know the scripts' names and have a
// connection before.
func late(t *testing.T, server *servers.Server) drivertest.LateBackend {
	t.Helper()
	l := server.Link(t)
	u, err := url.Parse(database(t, server))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.Addr
	open := opener(u.String())
	return drivertest.LateBackend{
		Open: func(ctx context.Context) (driver.Store, error) {
			s, err := open(ctx)
			if err == nil {
				warm(t, s)
			}
			return s, err
		},
		Hold: func() func() bool { return l.HoldNext("evalsha") },
	}
}

func TestWrongPort(t *testing.T) {
	t.Parallel()
	_, err := opener("redis://user:s3cret@127.0.0.1:1/0")(t.Context())
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}
