package reply

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
)

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

// Explain returns the driver's error for err, with what to do about it and
// without any secret. It does not wrap err: a time-out of a connection must not
// look like the end of the caller's context.
func (s Secrets) Explain(err error) error {
	if text, ok := said(err); ok {
		text = s.Hide(text)
		for _, a := range advice {
			if strings.HasPrefix(text, a.prefix) {
				return Unavailable("%s (the server said: %s)", a.what, text)
			}
		}
		return Unavailable("the server said: %s", text)
	}
	text := s.Hide(err.Error())
	switch {
	case isTLS(err, text):
		return Unavailable("TLS failed: see that the server speaks it, that its certificate is for this host, and that tls_ca_file has who signed it (%s)", text)
	case errors.Is(err, redis.ErrPoolTimeout):
		return Unavailable("no connection came free in time; raise pool_size or pool_timeout (%s)", text)
	case errors.Is(err, redis.ErrClosed):
		return Unavailable("the program closed the Redis client")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Unavailable("the server closed the connection (%s); is rediss:// wanted there, or a redis:// one?", text)
	case strings.Contains(text, "connection refused"), strings.Contains(text, "no such file"), strings.Contains(text, "no such host"):
		return Unavailable("nothing answers there; see that the server runs and that host and port are right (%s)", text)
	case IsTimeout(err):
		return Unavailable("the server did not answer in time (%s)", text)
	}
	return Unavailable("%s", text)
}

func isTLS(err error, text string) bool {
	if _, ok := errors.AsType[*HandshakeError](err); ok {
		return true
	}
	return strings.Contains(text, "tls:") || strings.Contains(text, "x509:") || strings.Contains(text, "certificate")
}

// Unavailable returns an error that is driver.ErrUnavailable.
func Unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: redis: "+format, append([]any{driver.ErrUnavailable}, args...)...)
}

// Unfit returns an error that is driver.ErrUnfit.
func Unfit(format string, args ...any) error {
	return fmt.Errorf("%w: redis: "+format, append([]any{driver.ErrUnfit}, args...)...)
}

// Secrets are what no message may show, in a function: nothing that is printed shows
// what that has. The zero Secrets are none.
type Secrets func() []string

// NewSecrets returns Secrets with these; an empty one is none.
func NewSecrets(all ...string) Secrets { return func() []string { return all } }

// Hide returns text without the secrets.
func (s Secrets) Hide(text string) string {
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
