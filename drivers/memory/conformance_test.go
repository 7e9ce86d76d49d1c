package memory

import (
	"context"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Bubble:      true,
		NamesHolder: true,
		Backend: func(*testing.T) func(context.Context) (driver.Store, error) {
			b := newBackend()
			return func(context.Context) (driver.Store, error) { return &Store{backend: b}, nil }
		},
	})
}
