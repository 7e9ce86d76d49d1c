package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
)

// errReply is what a server or a proxy gets that answers otherwise than the
// scripts do.
var errReply = errors.New("the reply is not one of our scripts'")

// A fate is what an error tells of the call that it ended.
type fate int

const (
	refused   fate = iota // the server said no, for good
	postponed             // nothing was done; it may be in a moment
	unknown               // it may have been done
)

// notYet are the replies of a server that did nothing and may do it soon.
var notYet = []string{
	"LOADING ", "READONLY ", "CLUSTERDOWN ", "MASTERDOWN ", "TRYAGAIN ", "MOVED ", "ASK ",
	"NOREPLICAS ", "BUSY ", "ERR max number of clients",
}

func fateOf(err error) fate {
	if text, ok := replyIn(err); ok {
		for _, prefix := range notYet {
			if strings.HasPrefix(text, prefix) {
				return postponed
			}
		}
		return refused
	}
	if _, ok := errors.AsType[handshakeError](err); ok {
		return refused
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return postponed
	}
	switch {
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted), errors.Is(err, errNotSent):
		return postponed
	case errors.Is(err, redis.ErrClosed), errors.Is(err, errReply):
		return refused
	}
	return unknown
}

// replyIn returns what the server answered, if err is about that.
func replyIn(err error) (string, bool) {
	if reply, ok := errors.AsType[redis.Error](err); ok {
		return reply.Error(), true
	}
	return "", false
}

// isReply reports whether err is what the server answered.
func isReply(err error) bool {
	_, ok := replyIn(err)
	return ok
}

func unknownScript(err error) bool {
	return err != nil && redis.HasErrorPrefix(err, "NOSCRIPT")
}

// advice is what to do about a server's reply, by how it begins.
var advice = []struct{ prefix, what string }{
	{"WRONGTYPE", "another program uses this Redis key for something else; give the alias another prefix"},
	{"WRONGPASS", "the user or password in the URL is wrong, or the user is disabled"},
	{"NOAUTH", "the server wants a password; put it into the URL"},
	{"NOPERM", "the ACL of this user is too small; the driver's documents list what it needs"},
	{"OOM", "the server's memory is full: raise maxmemory; locks that are held can still be extended and released"},
	{"LOADING", "the server is reading its data and will be ready soon"},
	{"READONLY", "this server is a replica; the URL must name the master, or Sentinel"},
	{"MOVED", "this server is a node of a Cluster; name another of its nodes with addr="},
	{"ASK", "this server is a node of a Cluster; name another of its nodes with addr="},
	{"CLUSTERDOWN", "the Cluster has no master for this key; see CLUSTER INFO"},
	{"CROSSSLOT", "this server spreads keys in a way that the driver does not know"},
	{"MASTERDOWN", "the server lost its master; see INFO replication"},
	{"NOREPLICAS", "the server has fewer replicas than its min-replicas-to-write"},
	{"MISCONF", "the server can't save its data to disk and therefore refuses to write; see its log"},
	{"BUSY", "a script of another program keeps the server busy"},
	{"ERR max number of clients", "the server has no room for another connection; raise maxclients or lower pool_size"},
	{"ERR unknown command", "what answers is no Redis server of its own, and runs no scripts"},
}

// explain returns the driver's error for err, with what to do about it and
// without any secret. It does not wrap err: a time-out of a connection must not
// look like the end of the caller's context.
func (s secrets) explain(err error) error {
	if text, ok := replyIn(err); ok {
		text = s.hide(text)
		for _, a := range advice {
			if strings.HasPrefix(text, a.prefix) {
				return unavailable("%s (the server said: %s)", a.what, text)
			}
		}
		return unavailable("the server said: %s", text)
	}
	text := s.hide(err.Error())
	switch {
	case isTLS(err, text):
		return unavailable("TLS failed: see that the server speaks it, that its certificate is for this host, and that tls_ca_file has who signed it (%s)", text)
	case errors.Is(err, redis.ErrPoolTimeout):
		return unavailable("no connection came free in time; raise pool_size or pool_timeout (%s)", text)
	case errors.Is(err, redis.ErrClosed):
		return unavailable("the program closed the Redis client")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unavailable("the server closed the connection (%s); is rediss:// wanted there, or a redis:// one?", text)
	case strings.Contains(text, "connection refused"), strings.Contains(text, "no such file"), strings.Contains(text, "no such host"):
		return unavailable("nothing answers there; see that the server runs and that host and port are right (%s)", text)
	case isTimeout(err):
		return unavailable("the server did not answer in time (%s)", text)
	}
	return unavailable("%s", text)
}

func isTLS(err error, text string) bool {
	if _, ok := errors.AsType[handshakeError](err); ok {
		return true
	}
	return strings.Contains(text, "tls:") || strings.Contains(text, "x509:") || strings.Contains(text, "certificate")
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: redis: "+format, append([]any{driver.ErrUnavailable}, args...)...)
}

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: redis: "+format, append([]any{driver.ErrUnfit}, args...)...)
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
