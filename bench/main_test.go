package bench

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/integration/servers"
)

func TestMain(m *testing.M) {
	code := m.Run()
	servers.Stop()
	if err := goleak.Find(); code == 0 && err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
