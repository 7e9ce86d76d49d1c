package postgres

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

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

func reply(code, message string) error {
	return &pgconn.PgError{Severity: "FATAL", Code: code, Message: message}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err, is error
		want    string
	}{
		{reply("28P01", "password authentication failed"), driver.ErrUnavailable, "user or the password"},
		{reply("3D000", "database \"x\" does not exist"), driver.ErrUnavailable, "no such database"},
		{reply("42501", "permission denied"), driver.ErrUnavailable, "lacks a right"},
		{reply("53200", "out of shared memory"), driver.ErrUnavailable, "max_locks_per_transaction"},
		{reply("53300", "too many clients"), driver.ErrUnavailable, "max_connections"},
		{reply("57P01", "terminating connection"), driver.ErrUnavailable, "administrator"},
		{reply("57P03", "the database system is starting up"), driver.ErrUnavailable, "later"},
		{reply("57P05", "terminating connection"), driver.ErrUnavailable, "frozen or cut off"},
		{reply("XX000", "something else"), driver.ErrUnavailable, "something else"},
		{reply("08P01", "unsupported startup parameter: idle_session_timeout"), driver.ErrUnfit, "proxy"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, driver.ErrUnavailable, "nothing answers there"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, driver.ErrUnavailable, "reset"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, driver.ErrUnavailable, "in time"},
		{io.ErrUnexpectedEOF, driver.ErrUnavailable, "without a word"},
		{context.DeadlineExceeded, driver.ErrUnavailable, "in time"},
		{errors.New("tls: first record does not look like a TLS handshake"), driver.ErrUnavailable, "TLS failed"},
		{unfit("a standby"), driver.ErrUnfit, "a standby"},
	} {
		// As pgx may wrap it, too.
		for _, err := range []error{c.err, fmt.Errorf("outer: %w", c.err)} {
			told := secrets(nil).explain(err)
			if !errors.Is(told, c.is) || !strings.Contains(told.Error(), c.want) {
				t.Errorf("%q is told as %q, want %v with %q", err, told, c.is, c.want)
			}
			if errors.Is(told, context.DeadlineExceeded) || errors.Is(told, context.Canceled) {
				t.Errorf("%q is told as the end of the caller's context", err)
			}
		}
	}
}

func TestErrorsShowNoPassword(t *testing.T) {
	s := secretsOf(secret, "")
	for _, err := range []error{reply("XX000", "bad "+secret), reply("28P01", secret), errors.New("dial " + secret), fmt.Errorf("x %s: %w", secret, io.EOF)} {
		if told := s.explain(err); strings.Contains(told.Error(), secret) {
			t.Errorf("%q shows the password", told)
		}
	}
}

func TestServersThatAreNotFitAreRefusedWithTheReason(t *testing.T) {
	const idle = 8000
	for _, c := range []struct {
		version, standby, pid, idle int64
		want                        string // nothing: it is fit
	}{
		{170000, 0, 7, idle, ""},
		{140000, 0, 7, idle, ""},
		{139999, 0, 7, -1, "since 14"},
		{170000, 1, 7, idle, "standby"},
		{170000, 0, 8, idle, "proxy"},
		{170000, 0, 7, 0, "idle_session_timeout"},
	} {
		err := judge([]int64{c.version, c.standby, c.pid, c.idle}, 7, idles[usual])
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v, want it taken", c, err)
		case c.want != "" && (!errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v, want ErrUnfit with %q", c, err, c.want)
		}
	}
}
