package locks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/file"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
	_ "github.com/concurrent-go/concurrent/drivers/postgres"
	_ "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// stores are where the tests keep their locks, a place of its own for each test.
var stores = map[string]func(t *testing.T) string{
	"memory":   func(t *testing.T) string { return fmt.Sprintf("memory://test-%x", rand.Uint64()) },
	"file":     func(t *testing.T) string { return "file://" + t.TempDir() },
	"redis":    func(t *testing.T) string { return servers.Redis(t).URL },
	"postgres": func(t *testing.T) string { return servers.Postgres(t).URL },
}

const (
	// lease is long enough for renewals on a machine that has much to do.
	lease = 3 * time.Second
	// patience is for what happens soon on a machine that has not.
	patience = time.Minute
)

// A backend is a store's place that no other test uses.
type backend struct {
	url, prefix string
}

// each runs a test on every driver.
func each(t *testing.T, test func(t *testing.T, b *backend)) {
	t.Parallel()
	for name, url := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &backend{url: url(t), prefix: fmt.Sprintf("%s-%x:", t.Name(), rand.Uint64())})
		})
	}
}

// A process is a registry of its own on a backend: to the store, the registries
// of a program are as far from each other as two programs.
type process struct {
	t        *testing.T
	registry *concurrent.Registry
}

// apart is the store's URL for one registry. Those of a program that have one
// URL share their sessions on Postgres.
func (b *backend) apart(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme == "postgres" {
		query := u.Query()
		query.Set("application_name", fmt.Sprintf("process %x", rand.Uint64()))
		u.RawQuery = query.Encode()
	}
	return u.String()
}

func (b *backend) process(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, registry: concurrent.NewRegistry()}
	err := p.registry.Configure(concurrent.Aliases{"it": {URL: b.apart(t), Prefix: b.prefix, Lease: lease}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.registry.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return p
}

func (p *process) in(opts []locks.Option) []locks.Option {
	return append(opts, locks.WithRegistry(p.registry))
}

func (p *process) cache(key string, opts ...locks.Option) *locks.Lock {
	return locks.Cache("it", key, p.in(opts)...)
}

func (p *process) read(key string, opts ...locks.Option) *locks.Lock {
	return locks.Read("it", key, p.in(opts)...)
}

func (p *process) permit(key string, n int, opts ...locks.Option) *locks.Lock {
	return locks.Permit("it", key, n, p.in(opts)...)
}

func (p *process) inspect(key string) locks.Info {
	p.t.Helper()
	info, err := locks.Inspect(p.t.Context(), "it", key, locks.WithRegistry(p.registry))
	if err != nil {
		p.t.Fatal(err)
	}
	return info
}

func acquire(t *testing.T, l *locks.Lock) {
	t.Helper()
	if err := l.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func release(t *testing.T, l *locks.Lock) {
	t.Helper()
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// free checks that l can be had, and gives it back.
func free(t *testing.T, l *locks.Lock) {
	t.Helper()
	acquire(t, l)
	release(t, l)
}

// refused checks that another has what l asks for.
func refused(t *testing.T, l *locks.Lock) {
	t.Helper()
	if ok, err := l.TryAcquire(t.Context()); ok || err != nil {
		t.Fatalf("TryAcquire of what another holds: %t, %v", ok, err)
	}
}

// eventually waits until f is true, which it looks at again and again: for what
// nobody tells.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	over := time.After(patience)
	for !f() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("it never happened that %s", what)
		}
	}
}

// done waits for a channel.
func done[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("it never happened that %s", what)
		panic("unreachable")
	}
}
