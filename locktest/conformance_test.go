package locktest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/drivertest"
)

// With no fault, the store keeps every promise of a driver.
func TestConformance(t *testing.T) {
	var names atomic.Int64
	drivertest.Run(t, drivertest.Harness{
		Bubble: true,
		Backend: func(*testing.T) func(context.Context) (driver.Store, error) {
			url := fmt.Sprintf("memory://locktest-%d", names.Add(1))
			return func(ctx context.Context) (driver.Store, error) {
				r := concurrent.NewRegistry()
				r.MustConfigure(concurrent.Aliases{"shared": {URL: url}})
				m, err := r.Store(ctx, "shared")
				if err != nil {
					return nil, err
				}
				return wrap(m.(*memory.Store), "shared", make(chan struct{}, 1)), nil
			}
		},
	})
}
