package postgres

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

// advice is what to do about what a server says, by SQLSTATE.
var advice = map[string]string{
	"28P01": "the server does not know the user or the password; see user and password in the URL",
	"28000": "the server does not let this user in from here; see the user in the URL and the server's pg_hba.conf",
	"3D000": "the server has no such database; see the path of the URL, or create it",
	"42501": "the role lacks a right; the driver's documents list what it needs",
	"42704": "the server does not know a setting; see options in the URL",
	"22023": "the server does not take a setting; see options in the URL",
	"53100": "the server's disk is full",
	"53200": "the server's lock table is full: raise max_locks_per_transaction (it needs a restart), or hold fewer locks",
	"53300": "the server has no room for another connection; raise max_connections, or reserve some for locks",
	"54000": "the server's queue of notifications is full: a session listens in a transaction that does not end",
	"55000": "the server can't do that in its present state",
	"57014": "the server took too long, and the statement was cancelled",
	"57P01": "the session was ended by an administrator, or the server was shut down",
	"57P02": "the server crashed and is starting again",
	"57P03": "the server is starting, stopping or recovering; it can be had later",
	"57P05": "the session was idle for longer than its lease class allows: this process was frozen or cut off",
}

// explain returns the driver's error for err, with what to do about it and
// without any secret. It does not wrap err: a time-out of a connection must not
// look like the end of the caller's context.
func (s secrets) explain(err error) error {
	if errors.Is(err, driver.ErrUnfit) || errors.Is(err, driver.ErrUnavailable) {
		return err
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return s.explainReply(e.Code, e.Message)
	}
	text := s.hide(err.Error())
	switch {
	case isTLS(err, text):
		return unavailable("TLS failed: see sslmode and sslrootcert in the URL, and that the certificate is for this host (%s)", text)
	case strings.Contains(text, "connection refused"), strings.Contains(text, "no such file"), strings.Contains(text, "no such host"):
		return unavailable("nothing answers there; see that the server runs and that host and port are right (%s)", text)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unavailable("the server closed the connection without a word (%s)", text)
	case isTimeout(err):
		return unavailable("the server did not answer in time (%s)", text)
	}
	return unavailable("%s", text)
}

// explainReply is explain for what the server said.
func (s secrets) explainReply(code, message string) error {
	message = s.hide(message)
	if strings.Contains(message, "unsupported startup parameter") {
		return unfit("a proxy stands before the server (it said: %s); it would give a session's locks to whoever comes next: connect to the server itself", message)
	}
	if what, ok := advice[code]; ok {
		return unavailable("%s (the server said: %s, SQLSTATE %s)", what, message, code)
	}
	return unavailable("the server said: %s (SQLSTATE %s)", message, code)
}

func isTLS(err error, text string) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	return record || authority || strings.Contains(text, "tls") || strings.Contains(text, "x509:") || strings.Contains(text, "TLS")
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: postgres: "+format, append([]any{driver.ErrUnavailable}, args...)...)
}

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: postgres: "+format, append([]any{driver.ErrUnfit}, args...)...)
}

// secrets are what no message may show, in a function: nothing that is printed shows
// what that has.
type secrets func() []string

func secretsOf(all ...string) secrets { return func() []string { return all } }

func (s secrets) hide(text string) string {
	if s == nil {
		return text
	}
	for _, secret := range s() {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	return text
}
