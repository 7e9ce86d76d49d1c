package concurrent_test

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// clearEnv has the test see none of the variables that ConfigureEnv looks at.
func clearEnv(t *testing.T) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CONCURRENT_") {
			t.Setenv(name, "")
		}
	}
}

func TestConfigureEnv(t *testing.T) {
	clearEnv(t)
	b := newBackend(t)
	t.Setenv("CONCURRENT_URL", b.url)
	t.Setenv("CONCURRENT_BILLING_LOCKS_URL", b.url)
	t.Setenv("CONCURRENT_EMPTY_URL", "")
	// What the command gives to the program that it runs.
	t.Setenv("CONCURRENT_KEY", "report")
	t.Setenv("CONCURRENT_TOKEN", "7")
	r := registry(t)
	if err := r.ConfigureEnv(); err != nil {
		t.Fatal(err)
	}
	_, err := r.Store(t.Context(), "?")
	says(t, err, "configured are billing_locks, default")
	if strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "empty") {
		t.Errorf("too much was configured: %v", err)
	}
}

func TestConfigureEnvRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		env  []string
		says []string
	}{
		"nothing":          {nil, []string{"CONCURRENT_URL=memory://", "CONCURRENT_<ALIAS>_URL"}},
		"only the others":  {[]string{"CONCURRENT_KEY=k", "CONCURRENT_TOKEN=1"}, []string{"CONCURRENT_URL"}},
		"default twice":    {[]string{"CONCURRENT_URL=probe://", "CONCURRENT_DEFAULT_URL=probe://"}, []string{`"default"`, "two environment variables"}},
		"no alias":         {[]string{"CONCURRENT__URL=probe://"}, []string{"CONCURRENT_<ALIAS>", "letters"}},
		"a malformed URL":  {[]string{"CONCURRENT_LOCKS_URL=probe://u:s3cr3t@h:x"}, []string{`"locks"`, "port"}},
		"a strange letter": {[]string{"CONCURRENT_Ü_URL=probe://"}, []string{"letters"}},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			for _, entry := range c.env {
				name, value, _ := strings.Cut(entry, "=")
				t.Setenv(name, value)
			}
			err := registry(t).ConfigureEnv()
			if !errors.Is(err, concurrent.ErrInvalidConfig) {
				t.Fatalf("ConfigureEnv = %v", err)
			}
			says(t, err, c.says...)
			showsNot(t, "the error", err.Error(), "s3cr3t")
		})
	}
}

func TestFromEnv(t *testing.T) {
	clearEnv(t)
	own := newBackend(t).store()
	for name, value := range map[string]string{
		"CONCURRENT_LEASE": "1m30s", "CONCURRENT_PREFIX": "p:",
		"CONCURRENT_BILLING_LOCKS_URL": "probe://new", "CONCURRENT_BILLING_LOCKS_LEASE": "forever",
		"CONCURRENT_OWN_URL": "probe://own", "CONCURRENT_NEW_URL": "probe://h", "CONCURRENT_NEW_PREFIX": "n:",
		"CONCURRENT_EMPTY_URL": "", "CONCURRENT_KEY": "k", "CONCURRENT_TOKEN": "1", "CONCURRENT_": "x", "CONCURRENTLY_URL": "x",
	} {
		t.Setenv(name, value)
	}
	as := concurrent.Aliases{
		"default":       {URL: "probe://kept", Prefix: "old:"},
		"billing-locks": {URL: "probe://old", Prefix: "kept:"},
		"own":           {Store: own, Lease: time.Second},
		"untouched":     {Store: own},
	}
	if err := as.FromEnv(); err != nil {
		t.Fatal(err)
	}
	want := concurrent.Aliases{
		"default":       {URL: "probe://kept", Prefix: "p:", Lease: 90 * time.Second},
		"billing-locks": {URL: "probe://new", Prefix: "kept:", Lease: driver.Forever},
		"own":           {URL: "probe://own", Lease: time.Second},
		"new":           {URL: "probe://h", Prefix: "n:"},
		"untouched":     {Store: own},
	}
	if !reflect.DeepEqual(as, want) {
		t.Errorf("FromEnv made\n%v, want\n%v", as, want)
	}
}

func TestFromEnvRefuses(t *testing.T) {
	as := concurrent.Aliases{"a-b": {URL: "probe://h"}, "a.b": {URL: "probe://h"}, "default": {URL: "probe://h"}}
	for name, c := range map[string]struct {
		env  []string
		says []string
	}{
		"a lease without unit": {[]string{"CONCURRENT_LEASE=30", "CONCURRENT_URL=probe://x"}, []string{"CONCURRENT_LEASE", "without a unit", `"30s"`}},
		"a lease twice":        {[]string{"CONCURRENT_LEASE=30s", "CONCURRENT_DEFAULT_LEASE=30s"}, []string{`"default"`, "lease", "CONCURRENT_DEFAULT_LEASE", "unset one"}},
		"two cases":            {[]string{"CONCURRENT_X_URL=probe://x", "CONCURRENT_x_URL=probe://x"}, []string{`"x"`, "two environment variables"}},
		"two aliases":          {[]string{"CONCURRENT_A_B_URL=probe://x"}, []string{"a-b, a.b"}},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			for _, entry := range c.env {
				name, value, _ := strings.Cut(entry, "=")
				t.Setenv(name, value)
			}
			got := maps.Clone(as)
			err := got.FromEnv()
			if !errors.Is(err, concurrent.ErrInvalidConfig) || errors.Is(err, concurrent.ErrNoConfig) {
				t.Fatalf("FromEnv = %v", err)
			}
			says(t, err, c.says...)
			if !reflect.DeepEqual(got, as) {
				t.Errorf("a failure left %v", got)
			}
		})
	}
}

func TestFromEnvOfNothing(t *testing.T) {
	clearEnv(t)
	as := concurrent.Aliases{}
	if err := as.FromEnv(); err != nil || len(as) != 0 {
		t.Errorf("FromEnv = %v, made %v", err, as)
	}
	if err := registry(t).ConfigureEnv(); !errors.Is(err, concurrent.ErrNoConfig) {
		t.Errorf("ConfigureEnv = %v, want ErrNoConfig", err)
	}
	err := concurrent.Aliases(nil).FromEnv()
	if !errors.Is(err, concurrent.ErrInvalidConfig) {
		t.Fatalf("FromEnv of nil = %v", err)
	}
	says(t, err, "nil", "concurrent.Aliases{}")
}
