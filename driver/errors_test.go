package driver_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestHeldErrorSaysForHowLong(t *testing.T) {
	t.Parallel()
	for held, want := range map[time.Duration]string{
		0:              "driver: key is held",
		time.Second:    "driver: key is held, for up to 1s",
		driver.Forever: "driver: key is held until it is released",
	} {
		err := fmt.Errorf("wrapped: %w", &driver.HeldError{For: held})
		if got := errors.Unwrap(err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if !errors.Is(err, driver.ErrHeld) || errors.Is(err, driver.ErrNotHeld) {
			t.Errorf("%v matches the wrong errors", err)
		}
	}
}
