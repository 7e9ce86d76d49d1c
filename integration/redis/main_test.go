package redis

import (
	"os"
	"testing"

	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// TestMain runs the tests, or one of the roles that tests give to processes of
// their own.
func TestMain(m *testing.M) {
	if role := os.Getenv(process.RoleEnv); role != "" {
		os.Exit(play(role))
	}
	servers.Main(m)
}
