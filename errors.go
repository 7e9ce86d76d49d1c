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

	// ErrNoConfig: the environment names no store. It is ErrInvalidConfig too.
	// A program that has a configuration of its own can go on with that.
	ErrNoConfig = fmt.Errorf(`%w: the environment names no store; set CONCURRENT_URL for alias "default", such as CONCURRENT_URL=memory://, or CONCURRENT_<ALIAS>_URL`,
		ErrInvalidConfig)
)

// errShutDown is what a registry answers after Shutdown.
var errShutDown = fmt.Errorf("concurrent: the registry was shut down: %w", driver.ErrClosed)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidConfig}, args...)...)
}
