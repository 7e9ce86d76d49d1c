package servers

import (
	"os"
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
