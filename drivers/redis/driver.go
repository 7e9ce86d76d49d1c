package redis

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

var schemes = []string{"redis", "rediss", "redis+unix"}

// Driver is the driver.Driver of the schemes redis, rediss and redis+unix. It
// takes the URLs that the documentation of the package shows.
type Driver struct{}

// Connector checks u. What it returns knows go-redis's options for it.
func (Driver) Connector(u *url.URL) (driver.Connector, error) {
	c, err := connectorOf(u)
	if err != nil {
		return nil, fmt.Errorf("redis: %w; write redis://user:password@host:port/db?parameter=value", err)
	}
	return c, nil
}

// A connector opens stores of one URL.
type connector struct {
	topology topology
	server   *redis.Options
	failover *redis.FailoverOptions
	cluster  *redis.ClusterOptions
	files    tlsFiles
	secure   bool
	verified bool
	secrets  reply.Secrets
}

func connectorOf(u *url.URL) (*connector, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the URL has a malformed query")
	}
	t := topologyOf(query)
	if err := checkURL(u, t); err != nil {
		return nil, err
	}
	if err := checkParameters(query, t); err != nil {
		return nil, err
	}
	c := &connector{topology: t, secure: u.Scheme == "rediss", verified: !isTrue(query.Get("skip_verify"))}
	c.files = tlsFiles{query.Get("tls_ca_file"), query.Get("tls_cert_file"), query.Get("tls_key_file"), query.Get("tls_server_name")}
	if err := c.checkTLS(query); err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	c.secrets = reply.NewSecrets(password, query.Get("password"))
	return c, c.parse(u, query)
}

func isTrue(s string) bool { return s == "true" || s == "1" }

func topologyOf(query url.Values) topology {
	switch {
	case query.Has("master_name"):
		return sentinel
	case query.Has("addr"):
		return cluster
	}
	return single
}

// checkURL says which part of u, but for its parameters, is wrong. It quotes no
// part that may hold what was meant to be secret.
func checkURL(u *url.URL, t topology) error {
	unix := u.Scheme == "redis+unix"
	db := strings.Trim(u.Path, "/")
	switch {
	case u.Opaque != "":
		return errors.New("the URL has no // before the host")
	case u.Fragment != "":
		return errors.New("the URL has a fragment; write a # in a password as %23")
	case unix && t != single:
		return errors.New("a socket of this machine is neither a Sentinel nor a Cluster")
	case unix && u.Host != "":
		return errors.New("the URL of a socket has no host: write redis+unix:///path/of/the/socket")
	case unix && db == "":
		return errors.New("the URL has no path of a socket")
	case unix:
		return nil
	case u.Port() != "" && !isPort(u.Port()):
		return errors.New("the port must be a number from 1 to 65535")
	case db != "" && t == cluster:
		return errors.New("a Cluster has no databases but the first: the URL must have no path")
	case db != "" && isDatabase(db) != nil:
		return errors.New("the path must be the number of a database, as in /0")
	}
	return nil
}

func isDatabase(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 1<<20 {
		return errors.New("no number of a database")
	}
	return nil
}

// parametersOf returns those that are go-redis's.
func parametersOf(query url.Values) url.Values {
	rest := maps.Clone(query)
	for _, name := range ours {
		rest.Del(name)
	}
	if !rest.Has("protocol") {
		// With 3 go-redis peeks, before and after each command, at a connection
		// where nothing can be that locks would use: two system calls.
		rest.Set("protocol", "2")
	}
	return rest
}

// parse has go-redis read the URL, which was checked. Its errors show passwords,
// and are never passed on.
func (c *connector) parse(u *url.URL, query url.Values) error {
	theirs, rest := *u, parametersOf(query)
	var err error
	switch c.topology {
	case single:
		if u.Scheme == "redis+unix" {
			theirs.Scheme = "unix"
		}
		theirs.RawQuery = rest.Encode()
		c.server, err = redis.ParseURL(theirs.String())
	case sentinel:
		theirs.RawQuery = rest.Encode()
		c.failover, err = redis.ParseFailoverURL(theirs.String())
	default:
		rest.Del("skip_verify") // which go-redis knows elsewhere only
		theirs.RawQuery = rest.Encode()
		c.cluster, err = redis.ParseClusterURL(theirs.String())
	}
	if err != nil {
		return errors.New("go-redis does not take the URL")
	}
	return nil
}
