package chaos

import (
	"fmt"
	"testing"

	_ "github.com/concurrent-go/concurrent/drivers/memory"
)

// memory has nothing that could go wrong but its users and their clock.
var memory = Harness{
	Name: "memory", Inside: true,
	Start: func(_ testing.TB, seed uint64) *Place {
		return &Place{
			URL:     func(int) string { return fmt.Sprintf("memory://chaos-%d", seed) },
			Version: "this process",
		}
	},
}
