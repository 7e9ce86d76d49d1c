package bench

import (
	"fmt"
	"os"
	"testing"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// TestMain runs the benchmarks, or is one of the processes that they start.
func TestMain(m *testing.M) {
	if os.Getenv(contenderEnv) != "" {
		if err := takeTurns(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servers.Main(m)
}
