package concurrent

import (
	"errors"
	"fmt"

	"github.com/concurrent-go/concurrent/driver"
)

// What this package's functions return, wrapped, to be matched by errors.Is.
var (
	// ErrUnknownAlias: no alias of that name is configured. The error lists
	// those that are, or says how to configure one.
	ErrUnknownAlias = errors.New("concurrent: unknown alias")

	// ErrUnknownDriver: no driver is registered for a URL's scheme. The error
	// lists those that are.
	ErrUnknownDriver = errors.New("concurrent: unknown driver")

	// ErrInvalidConfig: a configuration is not one. The error says where, and
	// what would be right. Nothing was configured.
	ErrInvalidConfig = errors.New("concurrent: invalid configuration")
)

// errShutDown is what a registry answers after Shutdown.
var errShutDown = fmt.Errorf("concurrent: the registry was shut down: %w", driver.ErrClosed)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidConfig}, args...)...)
}
