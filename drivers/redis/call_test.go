package redis

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
)

// said is what a server answers with an error.
type said string

func (s said) Error() string { return string(s) }

// RedisError makes it one of go-redis's.
func (s said) RedisError() {}

func TestAnUnknownFateIsNeverTakenForARefusal(t *testing.T) {
	s := newStore()
	defer s.endLife()
	for _, err := range []error{io.EOF, context.DeadlineExceeded, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, said("LOADING ")} {
		told := s.failed(t.Context(), err)
		for _, certain := range []error{driver.ErrHeld, driver.ErrInvalidRequest, driver.ErrUnsupported, driver.ErrClosed} {
			if errors.Is(told, certain) {
				t.Errorf("%v is told as %v", err, told)
			}
		}
	}
}
