package losses

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Everybody is told until he stops, and a listener may stop itself, or another,
// while it is told.
func TestListeners(t *testing.T) {
	t.Parallel()
	var ls Listeners
	told := make(map[string]int)
	ls.Tell(driver.Loss{Key: "nobody listens"})
	stopOne := ls.Add(func(driver.Loss) { told["one"]++ })
	var stopTwo, stopThree func()
	stopTwo = ls.Add(func(driver.Loss) {
		told["two"]++
		stopTwo()
		stopThree()
	})
	stopThree = ls.Add(func(driver.Loss) { told["three"]++ })
	for range 3 {
		ls.Tell(driver.Loss{Key: "k"})
	}
	stopOne()
	stopOne()
	ls.Tell(driver.Loss{Key: "k"})
	if told["one"] != 3 || told["two"] != 1 || told["three"] != 0 || ls.Len() != 0 {
		t.Errorf("told %v times, %d listen still", told, ls.Len())
	}
}
