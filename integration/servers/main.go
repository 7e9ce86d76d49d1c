package servers

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package that uses servers: it runs the tests, ends
// the servers, and fails if a goroutine is left. It does not return.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	if err := goleak.Find(); code == 0 && err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// running is what Stop ends: the servers that tests share, and the engine that
// had containers made.
var running struct {
	sync.Mutex
	all    []*Server
	engine *engine
}

func started(s *Server) {
	running.Lock()
	defer running.Unlock()
	running.all = append(running.all, s)
}

// Stop ends every server that was started here, and removes what it left. A
// test binary calls it when its tests are over.
func Stop() {
	running.Lock()
	defer running.Unlock()
	for _, s := range running.all {
		if err := s.control("remove", runner.remove); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	running.all = nil
	if running.engine != nil {
		if err := running.engine.dismiss(); err != nil {
			fmt.Fprintln(os.Stderr, "servers:", err)
		}
		running.engine = nil
	}
}
