package redis

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// TestMain runs the tests, or one of the roles that tests give to processes of
// their own.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role))
	}
	code := m.Run()
	servers.Stop()
	if err := goleak.Find(); code == 0 && err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
