package reply_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// An answer is what a server says.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

var refusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		fate reply.Fate
		want string
	}{
		{answer("WRONGTYPE Operation against a key"), reply.Refused, "another prefix"},
		{answer("WRONGPASS invalid username-password pair"), reply.Refused, "password in the URL is wrong"},
		{answer("NOAUTH Authentication required."), reply.Refused, "wants a password"},
		{answer("NOPERM this user has no permissions"), reply.Refused, "ACL"},
		{answer("OOM command not allowed"), reply.Refused, "maxmemory"},
		{answer("MISCONF Redis is configured to save"), reply.Refused, "disk"},
		{answer("ERR unknown command 'evalsha'"), reply.Refused, "runs no scripts"},
		{answer("ERR something else"), reply.Refused, "something else"},
		{answer("LOADING Redis is loading"), reply.Postponed, "ready soon"},
		{answer("READONLY You can't write"), reply.Postponed, "replica"},
		{answer("MOVED 1 10.0.0.1:1"), reply.Postponed, "addr="},
		{answer("ASK 1 10.0.0.1:1"), reply.Postponed, "addr="},
		{answer("CLUSTERDOWN Hash slot not served"), reply.Postponed, "CLUSTER INFO"},
		{answer("ERR max number of clients reached"), reply.Postponed, "maxclients"},
		{answer("NOREPLICAS Not enough"), reply.Postponed, "min-replicas-to-write"},
		{redis.ErrPoolTimeout, reply.Postponed, "pool_size"},
		{redis.ErrClosed, reply.Refused, "closed the Redis client"},
		{reply.ErrForm, reply.Refused, "not one of our scripts'"},
		{refusedDial, reply.Postponed, "nothing answers there"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, reply.Unknown, "reset"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, reply.Unknown, "in time"},
		{io.EOF, reply.Unknown, "closed the connection"},
		{context.DeadlineExceeded, reply.Unknown, "in time"},
		{&reply.HandshakeError{Err: errors.New("EOF")}, reply.Refused, "TLS failed"},
		{reply.ErrNotSent, reply.Postponed, "had closed the connection"},
		{errors.New("tls: first record does not look like a TLS handshake"), reply.Unknown, "TLS failed"},
	} {
		// As go-redis may wrap it, too.
		for _, err := range []error{c.err, fmt.Errorf("outer: %w", c.err)} {
			if got := reply.FateOf(err); got != c.fate {
				t.Errorf("the fate of %q is %d, want %d", err, got, c.fate)
			}
			told := reply.NewSecrets().Explain(err)
			if !errors.Is(told, driver.ErrUnavailable) || !strings.Contains(told.Error(), c.want) {
				t.Errorf("%q is told as %q, want ErrUnavailable with %q", err, told, c.want)
			}
			if errors.Is(told, context.DeadlineExceeded) || errors.Is(told, context.Canceled) {
				t.Errorf("%q is told as the end of the caller's context", err)
			}
		}
	}
}

func TestErrorsShowNoPassword(t *testing.T) {
	const secret = "s3cret-passw0rd"
	s := reply.NewSecrets(secret, "")
	for _, err := range []error{answer("ERR bad argument " + secret), errors.New("dial " + secret + ": refused"), fmt.Errorf("x: %w", refusedDial)} {
		if told := s.Explain(err); strings.Contains(told.Error(), secret) {
			t.Errorf("%q shows the password", told)
		}
	}
}
