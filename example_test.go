package concurrent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
)

// What a service does: configure at the start, shut down at the end.
func Example() {
	r := concurrent.NewRegistry() // most programs use Default, through the package's functions
	r.MustConfigure(concurrent.Aliases{
		"default": {URL: "memory://"},
		"billing": {URL: "memory://shared", Prefix: "billing:", Lease: 10 * time.Second},
	})
	r.Observe(concurrent.Slog(slog.New(slog.NewTextHandler(os.Stdout, nil))))

	store, err := r.Store(context.Background(), "billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tokens:", store.Features().Fencing)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println("shut down:", r.Shutdown(ctx))
	// Output:
	// tokens: true
	// shut down: <nil>
}

// A configuration file, with the password from the environment.
func ExampleAliases_UnmarshalJSON() {
	_ = os.Setenv("REDIS_PASSWORD", "p@ss/word")
	const file = `{
		"default": {"url": "memory://"},
		"locks":   {"url": "redis://app:${REDIS_PASSWORD}@db:6379/0", "lease": "30s", "prefix": "billing:"}
	}`
	var as concurrent.Aliases
	if err := json.Unmarshal([]byte(file), &as); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(as["locks"])

	err := json.Unmarshal([]byte(`{"locks": {"url": "memory://", "leese": "30s"}}`), &as)
	fmt.Println(errors.Is(err, concurrent.ErrInvalidConfig))
	fmt.Println(err)
	// Output:
	// {URL:"redis://***@db:6379/0" Lease:30s Prefix:"billing:"}
	// true
	// concurrent: invalid configuration: aliases: alias "locks": unknown field "leese"; known are url, lease, prefix; did you mean "lease"?
}

// No alias exists until it is configured; the error says how.
func ExampleStore() {
	_, err := concurrent.NewRegistry().Store(context.Background(), "default")
	fmt.Println(err)
	// Output:
	// concurrent: unknown alias "default": none is configured; write concurrent.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})
}

// A program that is configured by its environment alone.
func ExampleConfigureEnv() {
	_ = os.Setenv("CONCURRENT_URL", "memory://")
	_ = os.Setenv("CONCURRENT_BILLING_URL", "memory://billing")
	_ = os.Setenv("CONCURRENT_BILLING_LEASE", "1m")
	defer func() {
		_ = os.Unsetenv("CONCURRENT_URL")
		_ = os.Unsetenv("CONCURRENT_BILLING_URL")
		_ = os.Unsetenv("CONCURRENT_BILLING_LEASE")
	}()
	r := concurrent.NewRegistry()
	fmt.Println(r.ConfigureEnv())
	fmt.Println(r.Ping(context.Background(), "billing"))
	// Output:
	// <nil>
	// <nil>
}

// What the program says, and what the environment says over it.
func ExampleAliases_FromEnv() {
	_ = os.Setenv("CONCURRENT_BILLING_LOCKS_LEASE", "2m")
	defer func() { _ = os.Unsetenv("CONCURRENT_BILLING_LOCKS_LEASE") }()
	as := concurrent.Aliases{"billing-locks": {URL: "memory://", Lease: 10 * time.Second}}
	fmt.Println(as.FromEnv())
	fmt.Println(as["billing-locks"])
	// Output:
	// <nil>
	// {URL:"memory://" Lease:2m0s}
}

// A health check: can locks be had now?
func ExamplePing() {
	r := concurrent.NewRegistry() // most programs use Default
	r.MustConfigure(concurrent.Aliases{"default": {URL: "memory://"}})
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	fmt.Println(r.Ping(ctx, "default"))
	fmt.Println(errors.Is(r.Ping(ctx, "other"), concurrent.ErrUnknownAlias))
	// Output:
	// <nil>
	// true
}
