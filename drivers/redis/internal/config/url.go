// Package config reads the driver's URLs, and makes the clients that they describe. It
// does no I/O but to read the files that a URL names, and to dial.
package config

import (
	"errors"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// Schemes are those of the URLs: TLS where the second "s" stands, a socket of this
// machine with "+unix".
var Schemes = []string{"redis", "rediss", "redis+unix", "valkey", "valkeys"}

// asRedis returns u with the scheme of Redis, whose protocol Valkey speaks.
func asRedis(u *url.URL) *url.URL {
	theirs := *u
	switch u.Scheme {
	case "valkey":
		theirs.Scheme = "redis"
	case "valkeys":
		theirs.Scheme = "rediss"
	}
	return &theirs
}

// A Config is what a URL says. Nothing changes it, and printed it shows where the
// server is, and no secret.
type Config struct {
	topology topology
	server   *redis.Options
	failover *redis.FailoverOptions
	cluster  *redis.ClusterOptions
	files    tlsFiles
	secure   bool
	verified bool
	secrets  reply.Secrets
}

// Parse reads u. Its errors quote nothing of u that may be secret.
func Parse(u *url.URL) (*Config, error) {
	u = asRedis(u)
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
	c := &Config{topology: t, secure: u.Scheme == "rediss", verified: !isTrue(query.Get("skip_verify"))}
	c.files = tlsFiles{query.Get("tls_ca_file"), query.Get("tls_cert_file"), query.Get("tls_key_file"), query.Get("tls_server_name")}
	if err := c.checkTLS(query); err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	c.secrets = reply.NewSecrets(password, query.Get("password"))
	return c, c.parse(u, query)
}

// Secrets are those of the URL.
func (c *Config) Secrets() reply.Secrets { return c.secrets }

// Unverified reports whether there is TLS with whoever answers.
func (c *Config) Unverified() bool { return c.secure && !c.verified }

// OneServer reports whether one server at a time has all keys: there is no Cluster.
func (c *Config) OneServer() bool { return c.topology != cluster }

func isTrue(s string) bool { return s == "true" || s == "1" }

// A topology is how servers stand together. A URL says it by its parameters.
type topology int

const (
	single topology = 1 << iota
	sentinel
	cluster
	all = single | sentinel | cluster
)

func (t topology) String() string {
	switch t {
	case single:
		return "single server"
	case sentinel:
		return "server behind Sentinel"
	}
	return "Cluster"
}

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
	case !isHost(u.Host), u.Port() != "" && !isPort(u.Port()):
		return errors.New("the port must be a number from 1 to 65535")
	case db != "" && t == cluster:
		return errors.New("a Cluster has no databases but the first: the URL must have no path")
	case db != "" && isDatabase(db) != nil:
		return errors.New("the path must be the number of a database, as in /0")
	}
	return nil
}

// isHost reports whether url.Parse takes a host, which a caller may have put into a URL.
func isHost(host string) bool {
	_, err := url.Parse((&url.URL{Scheme: "redis", Host: host}).String())
	return err == nil
}

func isDatabase(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 1<<20 {
		return errors.New("no number of a database")
	}
	return nil
}

// clientParameters returns those that are go-redis's.
func clientParameters(query url.Values) url.Values {
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
func (c *Config) parse(u *url.URL, query url.Values) error {
	theirs, rest := *u, clientParameters(query)
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
