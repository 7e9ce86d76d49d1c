//go:build unix

package file

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also is the other processes: a copy of the test binary that is told
// so by the environment plays a part and ends.
func TestMain(m *testing.M) {
	if part := os.Getenv(partVar); part != "" {
		os.Exit(play(part))
	}
	goleak.VerifyTestMain(m)
}
