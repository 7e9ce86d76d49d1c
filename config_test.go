package concurrent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestConfigureRefuses(t *testing.T) {
	own := newBackend(t).store()
	for name, c := range map[string]struct {
		alias  string
		config concurrent.Config
		is     error
		says   []string
	}{
		"neither URL nor Store": {"a", concurrent.Config{}, concurrent.ErrInvalidConfig, []string{`"a"`, "neither", "memory://"}},
		"both URL and Store":    {"a", concurrent.Config{URL: "probe://", Store: own}, concurrent.ErrInvalidConfig, []string{`"a"`, "both", "only one"}},
		"a negative lease":      {"a", concurrent.Config{URL: "probe://", Lease: -time.Second}, concurrent.ErrInvalidConfig, []string{"-1s", "negative", "30s"}},
		"a lease without unit":  {"a", concurrent.Config{URL: "probe://", Lease: 30}, concurrent.ErrInvalidConfig, []string{"30ns", "unit", "30*time.Second"}},
		"a long prefix":         {"a", concurrent.Config{URL: "probe://", Prefix: strings.Repeat("p", 513)}, concurrent.ErrInvalidConfig, []string{"513 bytes", "512"}},
		"an opening brace":      {"a", concurrent.Config{URL: "probe://", Prefix: "a{b"}, concurrent.ErrInvalidConfig, []string{"brace", "Redis Cluster"}},
		"a closing brace":       {"a", concurrent.Config{URL: "probe://", Prefix: "a}b"}, concurrent.ErrInvalidConfig, []string{"brace"}},
		"an empty name":         {"", concurrent.Config{URL: "probe://"}, concurrent.ErrInvalidConfig, []string{`""`, "1 to 64 letters, digits, -, _ and ."}},
		"a name with a space":   {"a b", concurrent.Config{URL: "probe://"}, concurrent.ErrInvalidConfig, []string{"1 to 64"}},
		"a name beyond ASCII":   {"ä", concurrent.Config{URL: "probe://"}, concurrent.ErrInvalidConfig, []string{"1 to 64"}},
		"a long name":           {strings.Repeat("n", 65), concurrent.Config{URL: "probe://"}, concurrent.ErrInvalidConfig, []string{"1 to 64"}},
		"an unknown parameter":  {"a", concurrent.Config{URL: "probe://h?pasword=x"}, concurrent.ErrInvalidConfig, []string{`"a"`, `"pasword"`, "known are"}},
		"a silent driver":       {"a", concurrent.Config{URL: "probe://nothing"}, concurrent.ErrInvalidConfig, []string{`"a"`, `"probe"`, "neither"}},
		"an unknown driver":     {"a", concurrent.Config{URL: "mysql://h"}, concurrent.ErrUnknownDriver, []string{`"a"`, `"mysql"`, "registered are", "probe", `import forgotten, such as _ "github.com/concurrent-go/concurrent/drivers/redis"?`}},
		"a forgotten import":    {"a", concurrent.Config{URL: "rediss://h"}, concurrent.ErrUnknownDriver, []string{`is this import forgotten: _ "github.com/concurrent-go/concurrent/drivers/redis"?`}},
		"a forgotten valkey":    {"a", concurrent.Config{URL: "valkeys://h"}, concurrent.ErrUnknownDriver, []string{`drivers/redis"?`}},
		"a forgotten etcd":      {"a", concurrent.Config{URL: "etcds://h1:2379,h2:2379"}, concurrent.ErrUnknownDriver, []string{`drivers/etcd"?`}},
		"a forgotten postgres":  {"a", concurrent.Config{URL: "postgresql://h"}, concurrent.ErrUnknownDriver, []string{`drivers/postgres"?`}},
		"a misspelt scheme":     {"a", concurrent.Config{URL: "porbe://h"}, concurrent.ErrUnknownDriver, []string{`did you mean "probe"?`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := registry(t)
			err := r.Configure(concurrent.Aliases{c.alias: c.config})
			if !errors.Is(err, c.is) {
				t.Fatalf("Configure = %v, want %v", err, c.is)
			}
			says(t, err, c.says...)
			if _, err := r.Store(t.Context(), c.alias); !errors.Is(err, concurrent.ErrUnknownAlias) {
				t.Errorf("it was configured all the same: Store = %v", err)
			}
		})
	}
}

func TestConfigureAcceptsTheBounds(t *testing.T) {
	r := registry(t)
	err := r.Configure(concurrent.Aliases{
		strings.Repeat("n", 64): {URL: "probe://"},
		"aZ09-_.":               {URL: "PROBE://h?ok=1", Prefix: strings.Repeat("p", 512)},
		"short":                 {URL: "probe://", Lease: time.Millisecond},
		"endless":               {URL: "probe://", Lease: driver.Forever},
		"own":                   {Store: newBackend(t).store()},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigureIsAllOrNothing(t *testing.T) {
	b := newBackend(t)
	r := configured(t, b)
	err := r.Configure(concurrent.Aliases{"good": {URL: b.url}, "bad": {URL: "probe://", Lease: -1}, "worse": {}})
	says(t, err, `"bad"`, `"worse"`)
	if _, err := r.Store(t.Context(), "good"); !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Errorf("a good alias beside a bad one was configured: Store = %v", err)
	}
	err = r.Configure(concurrent.Aliases{"default": {URL: b.url}, "another": {URL: b.url}})
	if !errors.Is(err, concurrent.ErrInvalidConfig) {
		t.Fatalf("an alias configured twice: %v", err)
	}
	says(t, err, `"default"`, "already")
	if _, err := r.Store(t.Context(), "another"); !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Errorf("an alias beside one that was taken was configured: Store = %v", err)
	}
}

func TestConfigureAdds(t *testing.T) {
	b := newBackend(t)
	r := configured(t, b)
	if err := r.Configure(concurrent.Aliases{"second": {URL: b.url}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Configure(nil); err != nil {
		t.Fatalf("nothing to configure: %v", err)
	}
	for _, alias := range []string{"default", "second"} {
		if _, err := r.Store(t.Context(), alias); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigureDoesNoIO(t *testing.T) {
	b := newBackend(t)
	configured(t, b)
	if n := b.opens.Load(); n != 0 {
		t.Errorf("Configure opened the store %d times", n)
	}
}

func TestMustConfigurePanics(t *testing.T) {
	defer func() {
		err, _ := recover().(error)
		if !errors.Is(err, concurrent.ErrInvalidConfig) {
			t.Errorf("MustConfigure panicked with %v, want ErrInvalidConfig", err)
		}
	}()
	registry(t).MustConfigure(concurrent.Aliases{"a": {}})
}

func TestLeaseDefaults(t *testing.T) {
	b := newBackend(t)
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"default": {URL: b.url}, "slow": {URL: b.url, Lease: time.Hour}})
	for alias, want := range map[string]time.Duration{"default": 30 * time.Second, "slow": time.Hour} {
		o, err := r.Open(t.Context(), alias)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Config().Lease; got != want || o.Alias() != alias {
			t.Errorf("alias %q has lease %v, want %v", o.Alias(), got, want)
		}
	}
}

func TestUnknownAlias(t *testing.T) {
	r := registry(t)
	_, err := r.Store(t.Context(), "default")
	if !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Fatalf("Store of an empty registry = %v", err)
	}
	says(t, err, `"default"`, "none is configured", `concurrent.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})`)

	r.MustConfigure(concurrent.Aliases{"default": {URL: "probe://"}, "locks": {URL: "probe://"}})
	_, err = r.Store(t.Context(), "lokcs")
	if !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Fatalf("Store of an unknown alias = %v", err)
	}
	says(t, err, `"lokcs"`, "configured are default, locks", `did you mean "locks"?`)

	_, err = r.Store(t.Context(), "somethingelse")
	if strings.Contains(err.Error(), "did you mean") {
		t.Errorf("a far name was suggested: %v", err)
	}
	if _, err = r.Store(t.Context(), strings.Repeat("x", 10_000)); len(err.Error()) > 500 {
		t.Errorf("the error of a long name is %d bytes long", len(err.Error()))
	}
}

func TestTheZeroRegistryIsReady(t *testing.T) {
	var r concurrent.Registry
	if _, err := r.Store(t.Context(), "a"); !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Errorf("Store = %v", err)
	}
	r.MustConfigure(concurrent.Aliases{"a": {URL: newBackend(t).url}})
	if _, err := r.Store(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := r.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestPackageFunctionsWorkOnDefault(t *testing.T) {
	t.Cleanup(concurrent.ResetDefault)
	clearEnv(t)
	b := newBackend(t)
	seen := new(recorder)
	concurrent.Observe(seen)
	concurrent.MustConfigure(concurrent.Aliases{"one": {URL: b.url}})
	if err := concurrent.Configure(concurrent.Aliases{"one": {URL: b.url}}); !errors.Is(err, concurrent.ErrInvalidConfig) {
		t.Errorf("Configure of a name that is taken = %v", err)
	}
	t.Setenv("CONCURRENT_TWO_URL", b.url)
	if err := concurrent.ConfigureEnv(); err != nil {
		t.Fatal(err)
	}
	one, err := concurrent.Store(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := concurrent.Default().Store(t.Context(), "one"); err != nil || same != one {
		t.Errorf("Default has another store: %v, %v", same, err)
	}
	o, err := concurrent.Default().Open(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	o.Observer().Observe(t.Context(), concurrent.Event{Kind: concurrent.EventLost})
	if len(seen.events) != 1 {
		t.Errorf("told %v", seen.events)
	}
	if err := concurrent.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if b.closes.Load() != 2 {
		t.Errorf("%d stores were closed, want 2", b.closes.Load())
	}
}
