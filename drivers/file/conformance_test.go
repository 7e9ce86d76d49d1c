package file

import (
	"context"
	"net/url"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Backend: func(t *testing.T) func(context.Context) (driver.Store, error) {
			c, err := Driver{}.Connector(&url.URL{Scheme: "file", Path: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			return c.Open
		},
	})
}
