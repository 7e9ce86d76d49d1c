package locks

import (
	"testing"

	"github.com/concurrent-go/concurrent/integration/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }
