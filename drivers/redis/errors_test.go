package redis

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
)

// reply is what a server answers.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

var refusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		fate fate
		want string
	}{
		{reply("WRONGTYPE Operation against a key"), refused, "another prefix"},
		{reply("WRONGPASS invalid username-password pair"), refused, "password in the URL is wrong"},
		{reply("NOAUTH Authentication required."), refused, "wants a password"},
		{reply("NOPERM this user has no permissions"), refused, "ACL"},
		{reply("OOM command not allowed"), refused, "maxmemory"},
		{reply("MISCONF Redis is configured to save"), refused, "disk"},
		{reply("ERR unknown command 'evalsha'"), refused, "runs no scripts"},
		{reply("ERR something else"), refused, "something else"},
		{reply("LOADING Redis is loading"), postponed, "ready soon"},
		{reply("READONLY You can't write"), postponed, "replica"},
		{reply("MOVED 1 10.0.0.1:1"), postponed, "addr="},
		{reply("ASK 1 10.0.0.1:1"), postponed, "addr="},
		{reply("CLUSTERDOWN Hash slot not served"), postponed, "CLUSTER INFO"},
		{reply("ERR max number of clients reached"), postponed, "maxclients"},
		{reply("NOREPLICAS Not enough"), postponed, "min-replicas-to-write"},
		{redis.ErrPoolTimeout, postponed, "pool_size"},
		{redis.ErrClosed, refused, "closed the Redis client"},
		{errReply, refused, "not one of our scripts'"},
		{refusedDial, postponed, "nothing answers there"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, unknown, "reset"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, unknown, "in time"},
		{io.EOF, unknown, "closed the connection"},
		{context.DeadlineExceeded, unknown, "in time"},
		{errors.New("tls: first record does not look like a TLS handshake"), unknown, "TLS failed"},
	} {
		// As go-redis may wrap it, too.
		for _, err := range []error{c.err, fmt.Errorf("outer: %w", c.err)} {
			if got := fateOf(err); got != c.fate {
				t.Errorf("the fate of %q is %d, want %d", err, got, c.fate)
			}
			told := secretsOf().explain(err)
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
	s := secretsOf(secret, "")
	for _, err := range []error{reply("ERR bad argument " + secret), errors.New("dial " + secret + ": refused"), fmt.Errorf("x: %w", refusedDial)} {
		if told := s.explain(err); strings.Contains(told.Error(), secret) {
			t.Errorf("%q shows the password", told)
		}
	}
}

func TestAnUnknownFateIsNeverTakenForARefusal(t *testing.T) {
	s := newStore()
	defer s.endLife()
	for _, err := range []error{io.EOF, context.DeadlineExceeded, refusedDial, reply("LOADING")} {
		told := s.failed(t.Context(), err)
		for _, certain := range []error{driver.ErrHeld, driver.ErrInvalidRequest, driver.ErrUnsupported, driver.ErrClosed} {
			if errors.Is(told, certain) {
				t.Errorf("%v is told as %v", err, told)
			}
		}
	}
}
