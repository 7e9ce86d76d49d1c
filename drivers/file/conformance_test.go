package file

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, drivertest.Harness{
		// The package's other tests start and kill processes meanwhile.
		Lease:       2 * time.Second,
		Patience:    30 * time.Second,
		NamesHolder: true,
		Backend: func(t *testing.T) func(context.Context) (driver.Store, error) {
			c, err := Driver{}.Connector(&url.URL{Scheme: "file", Path: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			return c.Open
		},
	})
}
