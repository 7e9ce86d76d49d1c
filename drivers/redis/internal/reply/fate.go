package reply

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrForm is what a server or a proxy gets that answers otherwise than the
	// scripts do.
	ErrForm = errors.New("the reply is not one of our scripts'")
	// ErrNotSent says that the server closed the connection before the request left.
	ErrNotSent = errors.New("the server had closed the connection")
)

// A HandshakeError says that a server was reached and TLS was not agreed on.
type HandshakeError struct {
	Err error // why
}

// Error is why.
func (e *HandshakeError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *HandshakeError) Unwrap() error { return e.Err }

// A Fate is what an error tells of the request that it ended.
type Fate int

// What may have become of a request.
const (
	Refused   Fate = iota // the server said no, for good
	Postponed             // nothing was done; it may be in a moment
	Unknown               // it may have been done
)

// notYet are the replies of a server that did nothing and may do it soon.
var notYet = []string{
	"LOADING ", "READONLY ", "CLUSTERDOWN ", "MASTERDOWN ", "TRYAGAIN ", "MOVED ", "ASK ",
	"NOREPLICAS ", "BUSY ", "ERR max number of clients",
}

// FateOf tells what became of the request that ended with err.
func FateOf(err error) Fate {
	if text, ok := said(err); ok {
		for _, prefix := range notYet {
			if strings.HasPrefix(text, prefix) {
				return Postponed
			}
		}
		return Refused
	}
	if _, ok := errors.AsType[*HandshakeError](err); ok {
		return Refused
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Postponed
	}
	switch {
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted), errors.Is(err, ErrNotSent):
		return Postponed
	case errors.Is(err, redis.ErrClosed), errors.Is(err, ErrForm):
		return Refused
	}
	return Unknown
}

// said returns what the server answered, if err is about that.
func said(err error) (text string, ok bool) {
	if answer, ok := errors.AsType[redis.Error](err); ok {
		return answer.Error(), true
	}
	return "", false
}

// IsAnswer reports whether err is what the server answered.
func IsAnswer(err error) bool {
	_, ok := said(err)
	return ok
}

// IsUnknownScript reports whether the server does not know the script that it was to
// run by its name.
func IsUnknownScript(err error) bool {
	return err != nil && redis.HasErrorPrefix(err, "NOSCRIPT")
}

// IsAuth reports whether err is about who we are.
func IsAuth(err error) bool {
	return redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "WRONGPASS")
}

// IsTimeout reports whether err says that something took too long.
func IsTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}
