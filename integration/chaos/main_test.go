package chaos

import (
	"flag"
	"os"
	"testing"

	"github.com/concurrent-go/concurrent/integration/servers"
)

func TestMain(m *testing.M) {
	Worker()
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // drivers go side by side: they wait most of the time
		os.Exit(2)
	}
	servers.Main(m)
}
