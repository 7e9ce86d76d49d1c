package chaos

import (
	"testing"

	"github.com/concurrent-go/concurrent/integration/servers"
)

func TestMain(m *testing.M) {
	Worker()
	servers.Main(m)
}
