package bench

import (
	"context"
	"testing"

	"github.com/concurrent-go/concurrent"
	_ "github.com/concurrent-go/concurrent/drivers/file"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
)

// registry has the alias memory, and file in a folder of its own.
func registry(tb testing.TB) *concurrent.Registry {
	tb.Helper()
	r := concurrent.NewRegistry()
	if err := r.Configure(concurrent.Aliases{
		"memory": {URL: "memory://"},
		"file":   {URL: "file://" + tb.TempDir()},
	}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return r
}
