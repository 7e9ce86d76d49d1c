// Command prepare has all servers of the tests at hand, which takes some minutes
// where images must be built first, and says what they are.
package main

import (
	"fmt"
	"os"

	"github.com/concurrent-go/concurrent/integration/servers"
)

func main() {
	if err := servers.Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}
