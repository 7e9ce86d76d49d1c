package bench

import (
	"fmt"
	"os"
	"testing"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// TestMain measures, or is one of the processes that are measured.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servers.Main(m)
}
