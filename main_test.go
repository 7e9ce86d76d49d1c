package concurrent_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestMain(m *testing.M) {
	for _, scheme := range []string{"probe", "zebra+unix", "aardvark-1.0"} {
		concurrent.Register(scheme, probeDriver{})
	}
	goleak.VerifyTestMain(m)
}

// probeDriver opens what the test behind a URL's host wants it to. Its errors
// quote the whole URL, as those of many client libraries do, so that the tests
// see who keeps passwords out of errors.
type probeDriver struct{}

func (probeDriver) Connector(u *url.URL) (driver.Connector, error) {
	for name := range u.Query() {
		if name != "password" && name != "ok" {
			return nil, fmt.Errorf("probe: parse %q: unknown parameter %q; known are ok and password", u, name)
		}
	}
	if u.Host == "panics" {
		panic(fmt.Sprintf("probe: parse %q", u))
	}
	if u.Host == "nothing" {
		return nil, nil
	}
	c, ok := backends.Load(u.Host)
	if !ok {
		c = &backend{}
	}
	return c.(*backend), nil
}

var (
	backends sync.Map // host → *backend
	hosts    atomic.Int64
)

// A backend counts what happens to it, and is told by its test how to open.
type backend struct {
	url    string
	open   func(ctx context.Context) (driver.Store, error) // nil: a new probeStore
	opens  atomic.Int64
	closes atomic.Int64
}

func newBackend(t testing.TB) *backend {
	host := fmt.Sprintf("b%d", hosts.Add(1))
	b := &backend{url: "probe://" + host}
	backends.Store(host, b)
	t.Cleanup(func() { backends.Delete(host) })
	return b
}

func (b *backend) Open(ctx context.Context) (driver.Store, error) {
	b.opens.Add(1)
	if b.open != nil {
		return b.open(ctx)
	}
	return b.store(), nil
}

func (b *backend) store() *probeStore { return &probeStore{backend: b} }

// probeStore can only be closed, and tell that it can do nothing.
type probeStore struct {
	driver.Store
	backend  *backend
	warnings []error
	closeErr error
}

func (s *probeStore) Close() error {
	s.backend.closes.Add(1)
	return s.closeErr
}

func (s *probeStore) Features() driver.Features { return driver.Features{} }

func (s *probeStore) Warnings() []error { return s.warnings }

// configured returns a registry with b as "default", shut down at the end.
func configured(t testing.TB, b *backend) *concurrent.Registry {
	t.Helper()
	r := registry(t)
	if err := r.Configure(concurrent.Aliases{"default": {URL: b.url}}); err != nil {
		t.Fatal(err)
	}
	return r
}

func registry(t testing.TB) *concurrent.Registry {
	r := concurrent.NewRegistry()
	t.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	return r
}

// says fails the test unless err's text has all of the words.
func says(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// showsNot fails the test if text has the secret.
func showsNot(t testing.TB, what, text, secret string) {
	t.Helper()
	if strings.Contains(text, secret) {
		t.Errorf("%s shows the password: %s", what, text)
	}
}
